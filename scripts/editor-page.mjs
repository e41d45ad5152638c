/** What the editor loads of ours at its start. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const reference = /<script src="resources\/alarmflow\/([^"]+)"><\/script>/g;

/**
 * The plugin's page with our scripts in it, in their order. Left to itself, Node-RED's editor fetches them all at once
 * and runs each as it comes: over a slow line one ran before the one that it builds upon, and dialogs were broken until
 * the page was loaded again. One that did not come at all kept the editor from starting.
 *
 * @param {string} page nodes/plugins/editor/editor.html
 * @param {string} resources the folder of the scripts
 * @returns {string}
 */
export function withScripts(page, resources) {
  return page.replace(reference, (_tag, name) => {
    const script = readFileSync(join(resources, name), 'utf8');
    // Either would end the element, or keep it from ending, in the middle of the script.
    if (/<\/script|<!--/i.test(script))
      throw new Error(
        `resources/${name} holds "</script" or "<!--", which a page cannot have in a script: split the text`,
      );
    return `<script>\n${script}\n//# sourceURL=alarmflow/${name}\n</script>`;
  });
}
