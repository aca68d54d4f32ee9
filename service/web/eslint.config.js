import js from "@eslint/js";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["dist", "node_modules"] },
  js.configs.recommended,
  ...ts.configs.strict,
  { rules: { "max-lines": ["error", 400], complexity: ["error", 12], "no-console": "error" } },
);
