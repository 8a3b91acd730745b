import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import { type Authority, makeAuthority, writeKeyPair } from "./certificate.ts";
import { startLoopback } from "./loopback.ts";

let directory = "";
let authority: Authority;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "certificate-"));
  authority = await makeAuthority();
});
after(() => rm(directory, { recursive: true }));

test("a server certificate holds for localhost, 127.0.0.1 and the names given, wildcards too", async () => {
  const certificate = await authority.serverCertificate("*.services.ai.azure.com");
  const server = await startLoopback({ certificate }, (_request, response) => response.end());
  const handshake = async (servername: string): Promise<string> => {
    const socket = connect({
      port: server.port,
      host: "127.0.0.1",
      ca: authority.cert,
      servername,
    });
    try {
      await once(socket, "secureConnect");
      return "trusted";
    } catch (error) {
      return error instanceof Error && "code" in error ? String(error.code) : "?";
    } finally {
      socket.destroy();
    }
  };
  assert.equal(await handshake("localhost"), "trusted");
  assert.equal(await handshake("foundry-1.services.ai.azure.com"), "trusted");
  assert.equal(await handshake("elsewhere.example"), "ERR_TLS_CERT_ALTNAME_INVALID");
  await server.close();
});

test("an authority is unknown to a client that was not given it", async () => {
  const certificate = await authority.serverCertificate();
  const server = await startLoopback({ certificate }, (_request, response) => response.end());
  const socket = connect({ port: server.port, host: "127.0.0.1", servername: "localhost" });
  await assert.rejects(once(socket, "secureConnect"), /unable to verify|self-signed/);
  socket.destroy();
  await server.close();
});

test("the files are what a child process and a configuration read", async () => {
  const { NODE_EXTRA_CA_CERTS } = await authority.environment(directory);
  assert.equal(await readFile(NODE_EXTRA_CA_CERTS, "utf8"), authority.cert);

  const pair = await authority.clientCertificate("caller");
  const files = await writeKeyPair(directory, "caller", pair);
  assert.equal(await readFile(files.cert, "utf8"), pair.cert);
  assert.equal((await stat(files.key)).mode & 0o077, 0, "the key is for its owner alone");
});
