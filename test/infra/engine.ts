import * as grpc from "@grpc/grpc-js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import structPb from "google-protobuf/google/protobuf/struct_pb.js";
import enginePb from "@pulumi/pulumi/proto/engine_pb.js";
import engineRpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import resourcePb from "@pulumi/pulumi/proto/resource_pb.js";
import resourceRpc from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import { created, found } from "./azure.ts";

/**
 * Stands in for Pulumi's engine: the two gRPC services a program talks to. What a program registers
 * arrives here as it would at the engine.
 */

/** One registration, as it came over the wire: secrets and unknowns still marked. */
export type Registered = {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly parent: string;
  readonly custom: boolean;
  readonly inputs: Record<string, unknown>;
  readonly dependencies: readonly string[];
  readonly ignoreChanges: readonly string[];
  readonly protect: boolean | undefined;
  readonly provider: string;
  readonly aliases: readonly string[];
  /** True when the program read a resource that is there already. */
  readonly read: boolean;
};

/** Stands for a value that a preview does not know. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export type Engine = {
  /** `host:port` of both services. */
  readonly address: string;
  readonly resources: readonly Registered[];
  /** By the URN's last part: the outputs a component or the stack registered. */
  readonly outputs: ReadonlyMap<string, Record<string, unknown>>;
  /** What the program logged, debug messages left out. */
  readonly log: string[];
  stop(): void;
};

export type EngineOptions = {
  readonly dryRun?: boolean;
  /** The secret a previous run left behind in a stash, by the stash's name. */
  readonly stashed?: ReadonlyMap<string, unknown>;
};

export async function startEngine(options: EngineOptions): Promise<Engine> {
  const resources: Registered[] = [];
  const outputs = new Map<string, Record<string, unknown>>();
  const log: string[] = [];
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
  server.addService(resourceRpc.ResourceMonitorService, monitor(resources, outputs, options));
  server.addService(engineRpc.EngineService, engine(log));
  const address = `127.0.0.1:${await bind(server)}`;
  return { address, resources, outputs, log, stop: () => server.forceShutdown() };
}

function bind(server: grpc.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}

function monitor(
  resources: Registered[],
  outputs: Map<string, Record<string, unknown>>,
  { dryRun = false, stashed }: EngineOptions,
): grpc.UntypedServiceImplementation {
  const service: Partial<resourceRpc.IResourceMonitorServer> = {
    supportsFeature(_call, answer) {
      const response = new resourcePb.SupportsFeatureResponse();
      response.setHassupport(true);
      answer(null, response);
    },
    registerResource({ request }, answer) {
      const [type, name] = [request.getType(), request.getName()];
      const inputs = plain(request.getObject());
      const urn = urnOf(request.getParent(), type, name);
      resources.push({
        urn,
        type,
        name,
        inputs,
        parent: request.getParent(),
        custom: request.getCustom(),
        dependencies: request.getDependenciesList(),
        aliases: request
          .getAliasesList()
          .map((alias) => alias.getSpec()?.getName() || alias.getUrn()),
        ignoreChanges: request.getIgnorechangesList(),
        protect: request.getProtect(),
        provider: request.getProvider(),
        read: false,
      });
      const response = new resourcePb.RegisterResourceResponse();
      response.setUrn(urn);
      const before = stashed?.get(name);
      const { id, state } =
        before === undefined
          ? created(type, name, inputs)
          : { id: name, state: { input: before, output: before } };
      // At preview a new resource has its inputs and no more; a stash knows its output.
      if (request.getCustom() && !dryRun) response.setId(id);
      const shown = dryRun && type !== "pulumi:index:Stash" ? inputs : state;
      response.setObject(struct(request.getCustom() ? shown : {}));
      answer(null, response);
    },
    readResource({ request }, answer) {
      const [type, name, id] = [request.getType(), request.getName(), request.getId()];
      const urn = urnOf(request.getParent(), type, name);
      resources.push({
        urn,
        type,
        name,
        inputs: { id },
        parent: request.getParent(),
        custom: true,
        dependencies: request.getDependenciesList(),
        aliases: [],
        ignoreChanges: [],
        protect: undefined,
        provider: request.getProvider(),
        read: true,
      });
      const response = new resourcePb.ReadResourceResponse();
      response.setUrn(urn);
      // What does not exist yet cannot be read at preview.
      response.setProperties(struct(id === unknown ? {} : found(type, id)));
      answer(null, response);
    },
    registerResourceOutputs({ request }, answer) {
      outputs.set(request.getUrn().split("::").at(-1) ?? "", plain(request.getOutputs()));
      answer(null, new emptyPb.Empty());
    },
    invoke({ request }, answer) {
      const response = new resourcePb.ResourceInvokeResponse();
      response.setReturn(struct({ ...plain(request.getArgs()), location: "westeurope" }));
      answer(null, response);
    },
    registerPackage(_call, answer) {
      answer(null, new resourcePb.RegisterPackageResponse());
    },
    signalAndWaitForShutdown(_call, answer) {
      answer(null, new emptyPb.Empty());
    },
    registerStackTransform(_call, answer) {
      answer(null, new emptyPb.Empty());
    },
    call(_call, answer) {
      answer(null, new providerPb.CallResponse());
    },
  };
  return Object.fromEntries(
    Object.keys(resourceRpc.ResourceMonitorService).map((method) => [
      method,
      service[method] ?? unimplemented,
    ]),
  );
}

const unimplemented: grpc.handleUnaryCall<unknown, unknown> = (_call, answer) =>
  answer({ code: grpc.status.UNIMPLEMENTED });

function engine(log: string[]): grpc.UntypedServiceImplementation {
  let root = "";
  const service: engineRpc.IEngineServer = {
    log({ request }, answer) {
      // The engine shows no debug messages unless asked to; they hold every value in the clear.
      if (request.getSeverity() !== enginePb.LogSeverity.DEBUG) log.push(request.getMessage());
      answer(null, new emptyPb.Empty());
    },
    getRootResource(_call, answer) {
      const response = new enginePb.GetRootResourceResponse();
      response.setUrn(root);
      answer(null, response);
    },
    setRootResource({ request }, answer) {
      root = request.getUrn();
      answer(null, new enginePb.SetRootResourceResponse());
    },
    startDebugging(_call, answer) {
      answer(null, new emptyPb.Empty());
    },
    requirePulumiVersion(_call, answer) {
      answer(null, new enginePb.RequirePulumiVersionResponse());
    },
  };
  return service;
}

function urnOf(parent: string, type: string, name: string): string {
  const above = parent.split("::").at(-2);
  const chain = above === undefined || above === "pulumi:pulumi:Stack" ? type : `${above}$${type}`;
  return `urn:pulumi:test::foundry-gateway::${chain}::${name}`;
}

function plain(message: structPb.Struct | undefined): Record<string, unknown> {
  return message?.toJavaScript() ?? {};
}

function struct(value: Record<string, unknown>): structPb.Struct {
  return structPb.Struct.fromJavaScript(JSON.parse(JSON.stringify(value)));
}
