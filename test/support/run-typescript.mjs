/**
 * Lets plain node run our TypeScript: `node --import ./test/support/run-typescript.mjs file.ts`.
 * Node 24 strips the types; this adds what our sources take for granted: imports without file endings, and the
 * names that the CommonJS build has (`require`, `__dirname`, `__filename`).
 */
import { existsSync, readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';

const prelude = `import { createRequire as $createRequire } from 'node:module'; import { fileURLToPath as $path } from 'node:url'; const require = $createRequire(import.meta.url); const __filename = $path(import.meta.url); const __dirname = $path(new URL('.', import.meta.url)).replace(/\\/$/, ''); `;

registerHooks({
  resolve(specifier, context, next) {
    if (/^\.{1,2}(\/|$)/.test(specifier) && context.parentURL?.endsWith('.ts')) {
      for (const ending of ['.ts', '/index.ts']) {
        const url = new URL(specifier.replace(/\/$/, '') + ending, context.parentURL);
        if (existsSync(fileURLToPath(url))) return { url: url.href, format: 'module', shortCircuit: true };
      }
    }
    return next(specifier, context);
  },
  load(url, context, next) {
    if (!url.startsWith('file:') || !url.endsWith('.ts') || url.includes('/node_modules/')) return next(url, context);
    const path = fileURLToPath(url);
    const source = stripTypeScriptTypes(readFileSync(path, 'utf8'), {
      mode: 'transform',
      sourceMap: true,
      sourceUrl: url,
    });
    return { format: 'module', source: prelude + source, shortCircuit: true };
  },
});
