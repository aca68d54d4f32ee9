import { expect, test } from "vitest";
import { withoutExamples } from "./Examples";

test("only the section of the examples is left out of a card", () => {
  const card =
    "# A\n\n## Measured\n\n1\n\n## Examples\n\n![x](example-1.jpg)\n\n### More\n\n## References\n\n* b\n";
  expect(withoutExamples(card)).toBe("# A\n\n## Measured\n\n1\n\n## References\n\n* b\n");
});

test("a card without examples stays as it is", () => {
  expect(withoutExamples("# A\n\n## Measured\n")).toBe("# A\n\n## Measured\n");
});
