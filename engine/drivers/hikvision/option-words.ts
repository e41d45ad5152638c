/** Modes of a supplement light as the device names them; `auto`: the best of those it has. */
export const normalLights = ['auto', 'eventIntelligence', 'irLight', 'colorVuWhiteLight', 'close'] as const;
export type NormalLight = (typeof normalLights)[number];

/** Names that may stand in a request: letters, digits, hyphen and underscore. */
export const isVendorName = (name: string): boolean => /^(?:vendor:)?[A-Za-z][\w-]{0,63}$/.test(name);
