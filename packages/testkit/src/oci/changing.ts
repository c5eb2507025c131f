// Decides what UpdateInstance, InstanceAction and TerminateInstance answer and change.

import {
  beingModified,
  cannotParse,
  etagMismatch,
  incorrectState,
  invalid,
  missing,
  notFound,
  type Answer,
} from "./answer.ts";
import {
  changeAttributes,
  endWorkRequests,
  findInstance,
  moveInstance,
  openWorkRequest,
  type Cloud,
  type Seen,
} from "./cloud.ts";
import { answerWith } from "./instances.ts";
import { isDead, powerActions, terminateSteps, type Attributes } from "./lifecycle.ts";
import { answered, endOf, isInVain, type Call, type Decide } from "./call.ts";
import { recordChange } from "./recording.ts";
import { keepToken, readToken, repeatOf, tokenRefusal } from "./repeats.ts";
import { checkAttributes, isFields, type Fields } from "./tags.ts";

const changeable = ["displayName", "freeformTags", "definedTags", "metadata"];
const fixedMetadata = ["user_data", "ssh_authorized_keys"];

export const updateInstance: Decide = (cloud, call) => {
  const token = readToken(call);
  if (token === "invalid") return answered(tokenRefusal);
  const found = findForChange(cloud, call);
  if ("answer" in found) return found;
  const repeated = repeatOf(cloud, call, token, found.instance.id);
  if (repeated !== undefined) return repeated;

  const body = call.body ?? {};
  if (!isFields(body)) return answered(cannotParse("The request body must be a JSON object."));
  const stranger = Object.keys(body).find((name) => !changeable.includes(name));
  if (stranger !== undefined) return answered(invalid(`${stranger} cannot be updated here`));
  const fault =
    checkAttributes(body) ?? checkFixedMetadata(found.revision.attributes.metadata, body);
  if (fault !== undefined) return answered(fault);
  const refusal = refuseChange(call, found) ?? refuseDead(found);
  if (refusal !== undefined) return answered(refusal);

  return {
    change: (fate) => {
      const attributes = { ...found.revision.attributes, ...present(body) } as Attributes;
      const end = endOf(fate);
      const instance = isInVain(end)
        ? found.instance
        : changeAttributes(cloud, found.instance, call.now, attributes);
      const workRequest = openWorkRequest(cloud, instance, "UpdateInstance", call.now, 0, end);
      keepToken(cloud, call, token, instance.id, instance.id, workRequest.id);
      recordChange(cloud, call, instance, attributes, token === undefined ? {} : { token });
      return answerWith(cloud, instance, call.now, { "opc-work-request-id": workRequest.id });
    },
  };
};

// A null asks for no change, as an absent field does.
const present = (body: Fields): Fields =>
  Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));

const checkFixedMetadata = (before: Attributes["metadata"], body: Fields): Answer | undefined => {
  const after = body["metadata"];
  if (!isFields(after)) return undefined;
  const changed = fixedMetadata.find((name) => before[name] !== after[name]);
  return changed === undefined
    ? undefined
    : invalid(`metadata ${changed} cannot be changed after the launch`);
};

export const instanceAction: Decide = (cloud, call) => {
  const token = readToken(call);
  if (token === "invalid") return answered(tokenRefusal);
  const found = findForChange(cloud, call);
  if ("answer" in found) return found;
  const name = call.query.get("action");
  if (name === null) return answered(missing("action"));
  const action = powerActions.get(name.toUpperCase());
  if (action === undefined) return answered(invalid(`Unknown action ${name}`));
  const repeated = repeatOf(cloud, call, token, `${found.instance.id} ${name}`);
  if (repeated !== undefined) return repeated;
  const refusal = refuseChange(call, found);
  if (refusal !== undefined) return answered(refusal);
  const { attributes, state } = found.revision;
  if (state !== action.from) return answered(incorrectState(`${name} is not possible in ${state}`));

  return {
    change: () => {
      const steps = action.steps(cloud.settings);
      const instance = moveInstance(cloud, found.instance, call.now, attributes, steps);
      keepToken(cloud, call, token, `${instance.id} ${name}`, instance.id);
      recordChange(cloud, call, instance, attributes, {
        action: name.toUpperCase(),
        ...(token === undefined ? {} : { token }),
      });
      return answerWith(cloud, instance, call.now);
    },
  };
};

export const terminateInstance: Decide = (cloud, call) => {
  const found = findForChange(cloud, call);
  if ("answer" in found) return found;
  const refusal = refuseChange(call, found) ?? refuseTermination(cloud, found);
  if (refusal !== undefined) return answered(refusal);
  const { attributes, state } = found.revision;
  return {
    change: (fate) => {
      const end = endOf(fate);
      endWorkRequests(cloud, found.instance.id, call.now, { outcome: "CANCELED" });
      const steps = terminateSteps(cloud.settings, isInVain(end), state);
      const instance = moveInstance(cloud, found.instance, call.now, attributes, steps);
      const delay = cloud.settings.terminateDelayMs;
      const workRequest = openWorkRequest(
        cloud,
        instance,
        "TerminateInstance",
        call.now,
        delay,
        end,
      );
      recordChange(cloud, call, instance, attributes, {
        preserveBootVolume: call.query.get("preserveBootVolume") === "true",
      });
      return { status: 204, headers: { "opc-work-request-id": workRequest.id } };
    },
  };
};

const refuseTermination = (cloud: Cloud, { revision }: Seen): Answer | undefined => {
  const { terminateAgain, terminateProvisioning } = cloud.settings;
  if (isDead(revision.state)) return refusalAs(terminateAgain, revision.state);
  return revision.state === "PROVISIONING" && terminateProvisioning !== "accepted"
    ? refusalAs(terminateProvisioning, revision.state)
    : undefined;
};

const refusalAs = (variant: "conflict" | "notFound" | "modified", state: string): Answer => {
  if (variant === "notFound") return notFound();
  return variant === "modified" ? beingModified() : incorrectState(`The instance is ${state}.`);
};

const findForChange = (cloud: Cloud, call: Call): Seen | { readonly answer: Answer } =>
  findInstance(cloud, call.path["instanceId"] ?? "", call.now) ?? answeredNotFound;

const answeredNotFound = { answer: notFound() };

const refuseChange = (call: Call, { revision }: Seen): Answer | undefined => {
  const ifMatch = call.header("if-match");
  return ifMatch === undefined || ifMatch === "*" || ifMatch === revision.etag
    ? undefined
    : etagMismatch();
};

const refuseDead = ({ revision }: Seen): Answer | undefined =>
  isDead(revision.state) ? incorrectState(`The instance is ${revision.state}.`) : undefined;
