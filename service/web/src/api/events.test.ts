import { expect, test } from "vitest";
import { EventParser } from "./events";

test("events are found wherever the stream is cut", () => {
  const parser = new EventParser();
  expect(parser.feed("event: job\nda")).toEqual([]);
  expect(parser.feed('ta: {"a":1}\n\n: still here\n\nevent: removed\ndata: x\n\n')).toEqual([
    { event: "job", data: '{"a":1}' },
    { event: "removed", data: "x" },
  ]);
});

test("lines of data are joined", () => {
  expect(new EventParser().feed("data: a\r\ndata: b\r\n\r\n")).toEqual([{ event: "message", data: "a\nb" }]);
});
