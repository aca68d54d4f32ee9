import preact from "@preact/preset-vite";
import { defineConfig } from "vitest/config";

// The service's own address in development: `npm run dev` beside a running `scripts/serve`.
const SERVICE = "http://127.0.0.1:8000";
const ROUTES = ["/jobs", "/models", "/score", "/status", "/sample", "/readyz", "/docs", "/openapi.json"];

export default defineConfig({
  plugins: [preact()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 3200,
  },
  server: { proxy: Object.fromEntries(ROUTES.map((route) => [route, SERVICE])) },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"] },
});
