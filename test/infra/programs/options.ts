import * as azure from "@pulumi/azure-native/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { FoundryGateway } from "../../../infra/foundry-gateway.ts";

/** A program that gives its gateway every option Pulumi users expect to pass down. */

class Platform extends pulumi.ComponentResource {}

const provider = new azure.Provider("elsewhere", { subscriptionId: "another" });
const platform = new Platform("acme:index:Platform", "platform");

void new FoundryGateway(
  "gateway",
  {
    foundry: { create: { account: "acme-ai", deployments: [{ name: "gpt-5-mini" }] } },
    bundle: process.argv[2] ?? "",
  },
  {
    parent: platform,
    providers: [provider],
    protect: true,
    aliases: [{ name: "old-gateway" }],
  },
);
