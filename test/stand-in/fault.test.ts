import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, beforeEach, test } from "node:test";
import { Agent, fetch, request } from "undici";
import type { Behaviour, Cut } from "./behaviour.ts";
import { makeAuthority } from "./certificate.ts";
import { startFoundry } from "./foundry.ts";

const authority = await makeAuthority();
const secure = await startFoundry({
  accept: "any",
  certificate: await authority.serverCertificate(),
});
const plain = await startFoundry({ accept: "any" });
const dispatcher = new Agent({ connect: { ca: authority.cert } });
beforeEach(() => {
  secure.reset();
  plain.reset();
});
after(async () => {
  await dispatcher.destroy();
  await secure.close();
  await plain.close();
});

const options = {
  dispatcher,
  method: "POST",
  headers: { authorization: "Bearer any", "content-type": "application/json" },
  body: JSON.stringify({ model: "m", messages: [{ role: "user", content: "Hi" }], stream: true }),
} as const;

for (const foundry of [secure, plain]) {
  const over = foundry === secure ? "HTTPS" : "HTTP";
  const ask = () => fetch(`${foundry.origin}/v1/chat/completions`, options);

  /** What arrives before the end, and whether that end is a clean one. */
  const readOut = async (): Promise<{ readonly text: Buffer; readonly clean: boolean }> => {
    const response = await ask();
    const pieces: Uint8Array[] = [];
    let clean = true;
    try {
      for await (const piece of response.body ?? []) pieces.push(piece);
    } catch {
      clean = false;
    }
    return { text: Buffer.concat(pieces), clean };
  };

  test(`${over}: a 429 has the headers asked for, and only for so many requests`, async () => {
    foundry.next({ kind: "rateLimited" });
    foundry.next({ kind: "rateLimited", resetRequests: 12 }, 2);
    const waits = [];
    for (let turn = 0; turn < 4; turn += 1) {
      const response = await ask();
      await response.text();
      const { status, headers } = response;
      const names = ["retry-after", "retry-after-ms", "x-ratelimit-reset-requests"];
      waits.push([status, ...names.map((name) => headers.get(name))]);
    }
    assert.deepEqual(waits, [
      [429, "1", "1000", null],
      [429, null, null, "12"],
      [429, null, null, "12"],
      [200, null, null, null],
    ]);
  });

  const cuts: readonly (readonly [name: string, cut: Cut, clean: boolean])[] = [
    ["after an event", { at: { afterEvent: 3 }, manner: "destroy" }, false],
    ["inside an event", { at: { insideEvent: 4 }, manner: "destroy" }, false],
    ["inside a character", { at: { insideCharacter: 2 }, manner: "destroy" }, false],
    ["after a byte, with RST", { at: { afterByte: 700 }, manner: "reset" }, false],
    ["after an event, as if done", { at: { afterEvent: 3 }, manner: "end" }, true],
  ];
  for (const [name, cut, clean] of cuts) {
    test(`${over}: a stream is cut ${name}`, async () => {
      foundry.next({ kind: "answer", cut });
      const read = await readOut();
      const received = foundry.requests[0];
      assert.equal(read.clean, clean);
      assert.equal(await received?.whenDone, clean ? "answered" : "broken");
      // RST may overtake what was sent before it.
      if (cut.manner !== "reset") assert.deepEqual(read.text, received?.written);
      if ("insideCharacter" in cut.at) assert.match(read.text.toString(), /\uFFFD$/);
      if ("afterByte" in cut.at) assert.equal(received?.bytesWritten, 700);
      if ("insideEvent" in cut.at) assert.doesNotMatch(read.text.toString(), /\n\n$/);
    });
  }

  test(`${over}: a stream in pieces of any size has the bytes it has in one`, async () => {
    foundry.next({ kind: "answer", split: [1, 7, 300], ending: "none" });
    const { text, clean } = await readOut();
    assert.ok(clean);
    assert.deepEqual(text, foundry.requests[0]?.written);
    assert.doesNotMatch(text.toString(), /\[DONE\]/);
  });

  test(`${over}: a slow stream arrives event by event`, async () => {
    foundry.next({ kind: "answer", pieces: ["a", "b"], chunkDelayMs: 30 });
    const response = await ask();
    const times: number[] = [];
    for await (const piece of response.body ?? []) {
      assert.match(Buffer.from(piece).toString(), /^data: .*\n\n$/);
      times.push(performance.now());
    }
    assert.equal(times.length, 6);
    assert.ok((times.at(-1) ?? 0) - (times[0] ?? 0) >= 5 * 28);
  });

  const broken: readonly Behaviour[] = [
    { kind: "noAnswer", manner: "destroy" },
    { kind: "noAnswer", manner: "reset" },
    { kind: "garbage" },
  ];
  for (const behaviour of broken) {
    const manner = "manner" in behaviour ? ` (${behaviour.manner})` : "";
    test(`${over}: ${behaviour.kind}${manner} fails the request`, async () => {
      foundry.next(behaviour);
      await assert.rejects(ask());
      assert.equal(await foundry.requests[0]?.whenDone, "broken");
    });
  }

  test(`${over}: a truncated body fails behind its headers`, async () => {
    foundry.next({ kind: "truncated", declared: 1000, sent: 400 });
    const response = await ask();
    assert.equal(response.headers.get("content-length"), "1000");
    await assert.rejects(response.arrayBuffer());
    assert.equal(foundry.requests[0]?.bytesWritten, 400);
  });

  test(`${over}: a peer that leaves is recorded as such, while it hangs and while it streams`, async () => {
    foundry.next({ kind: "hang" });
    foundry.next({ kind: "answer", cut: { at: { afterEvent: 2 }, manner: "silence" } });
    for (const turn of [1, 2]) {
      const leave = new AbortController();
      const asked = fetch(`${foundry.origin}/v1/chat/completions`, {
        ...options,
        signal: leave.signal,
      });
      asked.catch(() => {});
      const received = await foundry.whenReceived(turn);
      await received.whenBody;
      if (turn === 2) await asked;
      assert.equal(received.outcome, undefined);
      leave.abort();
      await received.whenAborted;
      assert.equal(received.aborted, true);
    }
  });

  test(`${over}: a huge body waits for its reader`, async () => {
    foundry.next({ kind: "huge", bytes: 64 * 2 ** 20 });
    const { body } = await request(`${foundry.origin}/v1/chat/completions`, options);
    await new Promise((turn) => setTimeout(turn, 100));
    const received = foundry.requests[0];
    assert.ok((received?.bytesWritten ?? 0) < 32 * 2 ** 20, String(received?.bytesWritten));
    let length = 0;
    for await (const piece of body) length += Buffer.byteLength(piece);
    assert.equal(length, 64 * 2 ** 20);
  });

  test(`${over}: statuses, delays, interim answers and cookies are as told`, async () => {
    foundry.next({
      kind: "status",
      status: 307,
      headers: { location: "/elsewhere", "set-cookie": ["a=1", "b=2"] },
      body: { moved: true },
      delayMs: 40,
      informational: [103],
    });
    const seen: number[] = [];
    const start = performance.now();
    const answer = await request(`${foundry.origin}/v1/chat/completions`, {
      ...options,
      onInfo: ({ statusCode }) => void seen.push(statusCode),
    });
    assert.ok(performance.now() - start >= 38);
    assert.deepEqual(seen, [103]);
    assert.equal(answer.statusCode, 307);
    assert.deepEqual(answer.headers["set-cookie"], ["a=1", "b=2"]);
    assert.deepEqual(await answer.body.json(), { moved: true });
  });
}

test("a request that Node's parser refuses is counted", async () => {
  const socket = connect(plain.port, "127.0.0.1");
  socket.end("POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n");
  socket.resume();
  await once(socket, "close");
  assert.equal(plain.requests.length, 0);
  assert.equal(plain.connections.malformed, 1);
});
