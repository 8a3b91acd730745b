import * as pulumi from "@pulumi/pulumi";
import * as z from "zod";
import { FoundryGateway, outputsOf } from "./foundry-gateway.ts";
import { stackInputs } from "./stack-inputs.ts";

/** The stack: its configuration in, one gateway, its outputs out. */

const name = new pulumi.Config().get("name") ?? "gateway";
/** Pulumi passes the secret keys beside the configuration, which it has decrypted. */
const secretKeys = z
  .array(z.string())
  .parse(JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS || "[]"));
const inputs = stackInputs(name, pulumi.getProject(), pulumi.runtime.allConfig(), secretKeys);

export default outputsOf(new FoundryGateway(name, inputs));
