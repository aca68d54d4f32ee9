/** One image to the service by XMLHttpRequest: fetch cannot tell how much of a body has been sent. */

import { ServiceError } from "../api/client";
import type { Job, Problem } from "../api/types";
import { isConnected } from "../state/jobs";
import { isKeyWanted, key } from "../state/key";
import { LaterError, type Outgoing } from "./queue";

/** Where the service does not say after how long it wants to be asked again. */
const RETRY_S = 5;
/** What the service refuses for now: too much at once, a part not ready, no answer at all. */
const LATER = new Set([0, 429, 503]);

const AWAY: Problem = {
  type: "about:blank",
  title: "No answer",
  status: 0,
  detail: "The service does not answer. What is left is sent as soon as it does.",
};
const CUT_OFF: Problem = {
  type: "about:blank",
  title: "Not sent",
  status: 0,
  detail:
    "The connection broke while this image was sent. It may be too large for what lies between; try again.",
};
const GONE: Problem = {
  type: "about:blank",
  title: "File gone",
  status: 0,
  detail: "The file cannot be read any more: it was changed, moved or removed. Drop it again.",
};

export function upload(item: Outgoing, signal: AbortSignal): Promise<Job> {
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    request.open("POST", "/score");
    if (key.value) request.setRequestHeader("Authorization", `Bearer ${key.value}`);
    request.upload.onprogress = ({ loaded, total }) => (item.progress.value = total > 0 ? loaded / total : 0);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText) as Job);
      else reject(refusal(request));
    };
    request.onerror = () => void whyBroken(item).then(reject);
    request.onabort = () => reject(new DOMException("taken back", "AbortError"));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(formOf(item));
  });
}

function formOf({ image, choice }: Outgoing): FormData {
  const form = new FormData();
  if (choice.model) form.append("model", choice.model);
  form.append("scope", choice.scope);
  form.append("priority", choice.priority);
  // The service takes no name of a file; neither does it get one, for it may be a patient's.
  image.files.forEach(({ field, file }, index) => form.append(field, file, `${index}`));
  return form;
}

function refusal(request: XMLHttpRequest): ServiceError {
  const problem = problemOf(request);
  if (request.status === 401) {
    isKeyWanted.value = true;
    return new LaterError(problem, Infinity);
  }
  if (!LATER.has(request.status)) return new ServiceError(problem);
  const seconds = Number(request.getResponseHeader("Retry-After"));
  return new LaterError(problem, seconds > 0 ? seconds : RETRY_S);
}

function problemOf({ responseText, status }: XMLHttpRequest): Problem {
  try {
    return JSON.parse(responseText) as Problem;
  } catch {
    const title = `The service answered ${status}`;
    return { type: "about:blank", title, status, detail: title };
  }
}

/** A broken connection has no status: the file, the image alone, or the whole service may be the reason. */
async function whyBroken({ image }: Outgoing): Promise<ServiceError> {
  try {
    for (const { file } of image.files) await file.slice(0, 1).arrayBuffer();
  } catch {
    return new ServiceError(GONE);
  }
  return isConnected.value ? new ServiceError(CUT_OFF) : new LaterError(AWAY, RETRY_S);
}
