// Two pages, the studio and the phone's, built into the Python package. Nothing inline, nothing from elsewhere.

import { defineConfig, type Plugin } from "vite";

export default defineConfig({
  base: "/",
  plugins: [strictModelViewer()],
  build: {
    outDir: "../src/unflat/apps/studio/dist",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
    rolldownOptions: {
      input: ["index.html", "ar.html"],
      output: {
        // Libraries stay apart from our own code, so that its size can be told, and three.js serves both pages.
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [
            { name: "three", test: /node_modules\/three\//, priority: 3 },
            { name: "model-viewer", test: /node_modules\/(@google|@lit|lit|@monogrid|lit-)/, priority: 2 },
            { name: "lib", test: /node_modules\//, priority: 1 },
          ],
        },
      },
    },
  },
  server: { proxy: { "/v1": "http://127.0.0.1:8000" } },
});

/**
 * `<model-viewer>` puts a <style> element into its shadow, which a strict content-security policy forbids; here the same
 * rules become an adopted sheet. And it knows addresses to fetch decoders from: they are taken out.
 */
function strictModelViewer(): Plugin {
  return {
    name: "strict-model-viewer",
    enforce: "pre",
    transform(code, id) {
      if (!id.includes("@google/model-viewer/lib/")) return null;
      let changed = code.replace(/(['"`])https:\/\/(?:www\.gstatic\.com|cdn\.jsdelivr\.net)\/[^'"`]*\1/g, "'/no-decoder/'");
      if (id.split("?")[0]!.endsWith("/template.js")) {
        const style = /<style>([\s\S]*?)<\/style>/.exec(changed);
        if (!style) this.error("the template of <model-viewer> has no <style> any more: look at strictModelViewer");
        changed = changed.replace(style[0], "") + `\nexport const css = ${JSON.stringify(style[1])};\n`;
      }
      if (id.split("?")[0]!.endsWith("/model-viewer-base.js")) {
        changed = changed
          .replace(/import \{ makeTemplate \} from '\.\/template\.js';/, "import { css, makeTemplate } from './template.js';")
          .replace("import { ReactiveElement } from 'lit'", "import { ReactiveElement, unsafeCSS } from 'lit'")
          .replace("static get is() {", "static get styles() { return unsafeCSS(css); }\n    static get is() {");
        if (changed.match(/unsafeCSS|\bcss\b/g)?.length !== 4) this.error("<model-viewer> is made in another way: look at strictModelViewer");
      }
      return { code: changed, map: null };
    },
  };
}
