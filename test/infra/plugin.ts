import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import * as grpc from "@grpc/grpc-js";
import structPb from "google-protobuf/google/protobuf/struct_pb.js";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import providerRpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import type { Engine } from "./engine.ts";

/** The component as a plugin, started as Pulumi starts one for a program in another language. */
export type Plugin = {
  schema(): Promise<string>;
  /** What a program in another language does by making the component; its outputs. */
  construct(name: string, inputs: Record<string, structPb.JavaScriptValue>): Promise<Constructed>;
  stop(): void;
};

export type Constructed = { readonly urn: string; readonly state: Record<string, unknown> };

/** @param folder the package, with its PulumiPlugin.yaml and package.json */
export async function startPlugin(folder: string, engine: Engine): Promise<Plugin> {
  const runtime = fileURLToPath(import.meta.resolve("@pulumi/pulumi/cmd/run-plugin/index.js"));
  const child = spawn(process.execPath, [runtime, folder, engine.address], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  // The first line a plugin prints is its port.
  const [port]: unknown[] = await once(child.stdout, "data");
  const address = `127.0.0.1:${String(port).trim()}`;
  const client = new providerRpc.ResourceProviderClient(address, grpc.credentials.createInsecure());
  return {
    schema: () =>
      new Promise((resolve, reject) => {
        client.getSchema(new providerPb.GetSchemaRequest(), (error, response) =>
          error === null ? resolve(response.getSchema()) : reject(error),
        );
      }),
    construct(name, inputs) {
      const request = new providerPb.ConstructRequest();
      request.setOrganization("acme").setProject("foundry-gateway").setStack("test");
      request.setMonitorendpoint(engine.address).setParallel(8);
      request.setType("foundry-gateway:index:FoundryGateway").setName(name);
      request.setInputs(structPb.Struct.fromJavaScript(inputs));
      request.setAcceptsOutputValues(true);
      return new Promise((resolve, reject) => {
        client.construct(request, (error, response) =>
          error === null
            ? resolve({ urn: response.getUrn(), state: response.getState()?.toJavaScript() ?? {} })
            : reject(error),
        );
      });
    },
    stop() {
      client.close();
      child.kill();
    },
  };
}
