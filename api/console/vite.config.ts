import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const api = "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  // Nothing is inlined: the page's security policy allows files from its own address only.
  build: { outDir: "dist", emptyOutDir: true, assetsInlineLimit: 0, target: "es2022" },
  // `npm run dev` against a region that runs: changeOrigin, for the API answers only to its own name.
  server: {
    host: "127.0.0.1",
    proxy: Object.fromEntries(
      ["/alerts", "/cameras", "/events", "/health", "/hits", "/search"].map((path) => [path, { target: api, changeOrigin: true }]),
    ),
  },
});
