/** The plugin's page with our scripts in it, in their order; see `editor-page.mjs`. */
export function withScripts(page: string, resources: string): string;
