import assert from "node:assert/strict";
import { once } from "node:events";
import { type Socket, connect } from "node:net";
import {
  type Fault,
  type Finding,
  type Lab,
  at,
  firstThenSecond,
  load,
  provider,
  whole,
} from "./lab.ts";

export const slowCallers: Fault = { name: "callers that send half a request and wait", find };

async function find({ first, second, gateway }: Lab): Promise<Finding> {
  const yaml = firstThenSecond(provider(at(first), "first"), provider(at(second), "second"));
  const { origin, port, measure } = await gateway(yaml);
  await load(origin, whole, 50, 5);
  const before = await measure();
  const sockets: Socket[] = [];
  for (let turn = 0; turn < 300; turn += 1) {
    const socket = connect(port, "127.0.0.1").on("error", () => undefined);
    await once(socket, "connect");
    socket.write(
      turn % 2 === 0
        ? "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
        : 'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"messages":',
    );
    sockets.push(socket);
  }
  const tally = await load(origin, whole, 300, 10);
  const { heap } = await measure();
  for (const socket of sockets) socket.destroy();
  assert.equal(tally.failed, 0);
  return {
    sees: "nothing, if they are not such callers",
    lost: "nothing",
    figure: `${tally.ok} of 300 answered beside 300 such callers, which cost ${((heap - before.heap) / 300 / 1000).toFixed(1)} kB of heap each`,
  };
}
