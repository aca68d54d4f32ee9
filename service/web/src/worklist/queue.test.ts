import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ServiceError } from "../api/client";
import type { Job, Problem } from "../api/types";
import type { SentImage } from "../state/files";
import { LaterError, SendQueue, type Choice, type Outgoing, type Send } from "./queue";

const CHOICE: Choice = { model: "", scope: "enforce", priority: "normal" };
const problem = (status: number): Problem => ({
  type: "about:blank",
  title: "",
  status,
  detail: `no ${status}`,
});
const image = (name: string): SentImage => ({
  name,
  files: [{ field: "file", file: new Blob(["abc"]), name }],
});
const jobOf = (item: Outgoing) => ({ job_id: `job of ${item.image.name}` }) as Job;

function queueOf(send: Send): { queue: SendQueue; taken: string[] } {
  const taken: string[] = [];
  return { queue: new SendQueue(send, (jobs) => taken.push(...jobs.map(([job]) => job.job_id))), taken };
}
const stages = (queue: SendQueue) => [...queue.items.value.values()].map(({ stage }) => stage);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("three are sent at once, and each makes room for the next", async () => {
  const ends: (() => void)[] = [];
  const { queue, taken } = queueOf((item) => new Promise((resolve) => ends.push(() => resolve(jobOf(item)))));
  queue.add(["a", "b", "c", "d"].map(image), CHOICE);
  expect(stages(queue)).toEqual(["sending", "sending", "sending", "waiting"]);
  ends[0]?.();
  await vi.advanceTimersByTimeAsync(100);
  expect([stages(queue), taken]).toEqual([["sending", "sending", "sending"], ["job of a"]]);
});

test("a full service is asked again after the time that it names", async () => {
  let calls = 0;
  const { queue, taken } = queueOf(async (item) => {
    calls += 1;
    if (calls === 1) throw new LaterError(problem(429), 7);
    return jobOf(item);
  });
  queue.add([image("a")], CHOICE);
  await vi.advanceTimersByTimeAsync(6900);
  expect([queue.pause.value?.reason, stages(queue), calls]).toEqual(["no 429", ["waiting"], 1]);
  await vi.advanceTimersByTimeAsync(300);
  expect([queue.pause.value, taken, calls]).toEqual([null, ["job of a"], 2]);
});

test("what is refused stays with its reason, and goes again with another choice", async () => {
  const choices: Choice[] = [];
  const { queue, taken } = queueOf(async (item) => {
    choices.push(item.choice);
    if (item.choice.scope === "enforce") throw new ServiceError(problem(422));
    return jobOf(item);
  });
  queue.add([image("a")], CHOICE);
  await vi.advanceTimersByTimeAsync(100);
  const [item] = [...queue.items.value.values()];
  expect([item?.stage, item?.problem?.detail]).toEqual(["refused", "no 422"]);
  queue.again(["sending-1"], { model: "m@1", scope: "warn" });
  await vi.advanceTimersByTimeAsync(100);
  expect(choices[1]).toEqual({ model: "m@1", scope: "warn", priority: "normal" });
  expect([taken, queue.items.value.size]).toEqual([["job of a"], 0]);
});

test("a pause without end ends when somebody lets it", async () => {
  let calls = 0;
  const { queue, taken } = queueOf(async (item) => {
    calls += 1;
    if (calls === 1) throw new LaterError(problem(401), Infinity);
    return jobOf(item);
  });
  queue.add([image("a")], CHOICE);
  await vi.advanceTimersByTimeAsync(1e9);
  expect([calls, taken]).toEqual([1, []]);
  queue.resume();
  await vi.advanceTimersByTimeAsync(100);
  expect(taken).toEqual(["job of a"]);
});

test("what is taken back while it is sent is ended, and is no error", async () => {
  const aborted = vi.fn();
  const { queue, taken } = queueOf(
    (_item, signal) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => {
          aborted();
          reject(new DOMException("", "AbortError"));
        }),
      ),
  );
  queue.add([image("a")], CHOICE);
  queue.remove(["sending-1"]);
  await vi.advanceTimersByTimeAsync(100);
  expect([aborted.mock.calls.length, queue.items.value.size, taken]).toEqual([1, 0, []]);
});
