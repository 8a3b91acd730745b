// One HTTP or HTTPS server on a free port of 127.0.0.1, that can refuse connections and come back.
import { once } from "node:events";
import { createServer as createHttp, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createHttps } from "node:https";
import { Socket } from "node:net";
import type { KeyPair } from "./certificate.ts";

export type LoopbackOptions = {
  /** Without one: plain HTTP. */
  readonly certificate?: KeyPair | undefined;
  readonly clientCertificates?:
    | {
        /** PEM of the authority they must come from. */
        readonly authority: string;
        /** "required" fails the handshake without one, "requested" only records. */
        readonly when: "requested" | "required";
      }
    | undefined;
  /** How long an idle connection is kept, in milliseconds; Node's 5 s unless told. */
  readonly keepAliveMs?: number | undefined;
};

/** Counted since the start or the last `resetConnections`. */
export type Connections = {
  readonly tcp: number;
  /** Finished TLS handshakes. */
  readonly tls: number;
  readonly failedHandshakes: number;
  /** Requests that Node's parser threw away: smuggling shapes, broken chunks, cut bodies. */
  readonly malformed: number;
};

export type Loopback = {
  /** `http(s)://localhost:<port>` */
  readonly origin: string;
  readonly host: "localhost";
  readonly port: number;
  readonly connections: Connections;
  resetConnections(): void;
  /** Destroys the connections whose request has no whole answer yet. */
  endRequests(): void;
  /** Closes the connections that carry no request now, as a server does whose idle time is over. */
  dropIdleConnections(): void;
  /** New connections get ECONNREFUSED and the open ones are destroyed, until `acceptConnections`. */
  refuseConnections(): Promise<void>;
  acceptConnections(): Promise<void>;
  /** The TCP socket under a request's socket, which is a TLS one when the server is HTTPS. */
  tcpSocket(socket: Socket): Socket;
  close(): Promise<void>;
};

/** @param upgrade without one, what asks for an upgrade is an ordinary request */
export async function startLoopback(
  options: LoopbackOptions,
  listener: RequestListener,
  upgrade?: (request: IncomingMessage, socket: Socket, head: Buffer) => void,
): Promise<Loopback> {
  const { certificate, clientCertificates, keepAliveMs } = options;
  const underWay = new Set<Socket>();
  const listen: RequestListener = (request, response) => {
    const { socket } = request;
    underWay.add(socket);
    response.once("close", () => underWay.delete(socket));
    listener(request, response);
  };
  const server =
    certificate === undefined
      ? createHttp(listen)
      : createHttps(
          {
            ...certificate,
            ...(clientCertificates === undefined
              ? {}
              : {
                  ca: clientCertificates.authority,
                  requestCert: true,
                  rejectUnauthorized: clientCertificates.when === "required",
                }),
          },
          listen,
        );
  if (keepAliveMs !== undefined) server.keepAliveTimeout = keepAliveMs;

  if (upgrade !== undefined) {
    server.on("upgrade", (request, socket, head) => {
      if (!(socket instanceof Socket)) throw new TypeError("not a socket");
      underWay.add(socket);
      socket.once("close", () => underWay.delete(socket));
      upgrade(request, socket, head);
    });
  }

  const none = { tcp: 0, tls: 0, failedHandshakes: 0, malformed: 0 };
  let counted = { ...none };
  // By the client's port: a TLS socket does not tell which TCP socket it wraps.
  const sockets = new Map<number | undefined, Socket>();
  server.on("connection", (socket: Socket) => {
    const clientPort = socket.remotePort;
    counted.tcp += 1;
    sockets.set(clientPort, socket);
    socket.once("close", () => sockets.delete(clientPort));
    // A test's clients leave as they like.
    socket.on("error", () => {});
  });
  server.on("secureConnection", () => void (counted.tls += 1));
  server.on("tlsClientError", () => void (counted.failedHandshakes += 1));
  server.on("clientError", (_error: Error, socket: Socket) => {
    counted.malformed += 1;
    socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
  });

  const open = async (port: number): Promise<number> => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new TypeError("no TCP address");
    return address.port;
  };
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets.values()) socket.destroy();
    await closed;
  };

  const port = await open(0);
  return {
    origin: `${certificate === undefined ? "http" : "https"}://localhost:${port}`,
    host: "localhost",
    port,
    get connections() {
      return { ...counted };
    },
    resetConnections() {
      counted = { ...none };
    },
    endRequests() {
      for (const socket of underWay) socket.destroy();
    },
    dropIdleConnections: () => server.closeIdleConnections(),
    refuseConnections: stop,
    async acceptConnections() {
      if (!server.listening) await open(port);
    },
    tcpSocket: (socket) => sockets.get(socket.remotePort) ?? socket,
    close: stop,
  };
}
