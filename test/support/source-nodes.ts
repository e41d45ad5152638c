/**
 * alarmflow's nodes from their sources, for a Node-RED inside a test: a folder with a package.json that names them and a
 * small file for each that loads the TypeScript. Nothing needs to be built.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { temporaryFolder } from './temporary-folder';

/** @returns the folder, to be given to Node-RED as `nodesDir` */
export async function sourceNodes(): Promise<string> {
  const root = resolve(__dirname, '../..');
  const folder = await temporaryFolder();
  const { nodes } = (
    JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      'node-red': { nodes: Record<string, string> };
    }
  )['node-red'];
  const own: Record<string, string> = {};
  const loader = pathToFileURL(join(__dirname, 'run-typescript.mjs')).href;
  for (const [type, file] of Object.entries(nodes)) {
    const source = join(root, file.replace(/^dist\//, '').replace(/\.js$/, '.ts'));
    writeFileSync(
      join(folder, `${type}.js`),
      `module.exports = async (RED) => {
        if (!globalThis.alarmflowTypeScript) globalThis.alarmflowTypeScript = import(${JSON.stringify(loader)});
        await globalThis.alarmflowTypeScript;
        const loaded = await import(${JSON.stringify(pathToFileURL(source).href)});
        return loaded.default(RED);
      };\n`,
    );
    writeFileSync(join(folder, `${type}.html`), `<script type="text/html" data-template-name="${type}"></script>\n`);
    own[type] = `${type}.js`;
  }
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'alarmflow-source-nodes', version: '1.0.0', 'node-red': { nodes: own } }),
  );
  return folder;
}
