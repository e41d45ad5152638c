import {
  cameraFeatures,
  type FeatureSpec,
  lineNumbers,
  lineRegister,
  registers,
  userOutputCount,
} from './camera-features';

const hex = (value: number): string => `0x${value.toString(16)}`;

const intReg = (name: string, address: number, access = 'RW', index = ''): string => `
<IntReg Name="${name}"><Address>${hex(address)}</Address>${index}<Length>4</Length><AccessMode>${access}</AccessMode>\
<pPort>Device</pPort><Cachable>NoCache</Cachable><Sign>Unsigned</Sign><Endianess>BigEndian</Endianess></IntReg>`;

/**
 * A GenICam description (GenApi 1.0) of an area-scan camera with lines, for Aravis' fake camera: the features that it
 * lacks (PROTOCOLS §6.3) as plain registers of its memory.
 */
export function cameraXml(variants: ReadonlySet<string>): string {
  const features = cameraFeatures(variants);
  const categories = [...new Set(features.map((f) => f.category))];
  const members = (category: string): string =>
    features
      .filter((f) => f.category === category)
      .map((f) => `<pFeature>${f.name}</pFeature>`)
      .join('');
  return `<?xml version="1.0" encoding="utf-8"?>
<RegisterDescription ModelName="Lines" VendorName="alarmflow" ToolTip="Simulated camera with lines" StandardNameSpace="None"
 SchemaMajorVersion="1" SchemaMinorVersion="0" SchemaSubMinorVersion="1" MajorVersion="1" MinorVersion="0" SubMinorVersion="0"
 ProductGuid="0" VersionGuid="0" xmlns="http://www.genicam.org/GenApi/Version_1_0">
<Category Name="Root" NameSpace="Standard">${[...categories, 'TransportLayerControl'].map((c) => `<pFeature>${c}</pFeature>`).join('')}</Category>
${categories.map((c) => `<Category Name="${c}" NameSpace="Standard">${members(c)}</Category>`).join('\n')}
<Category Name="TransportLayerControl" NameSpace="Standard"><pFeature>PayloadSize</pFeature></Category>
<Integer Name="PayloadSize" NameSpace="Standard"><Value>262144</Value></Integer>
<Integer Name="Never"><Value>0</Value></Integer>
${features.map((f) => nodeOf(f, variants)).join('')}
<Port Name="Device" NameSpace="Standard"></Port>
</RegisterDescription>
`;
}

function nodeOf(spec: FeatureSpec, variants: ReadonlySet<string>): string {
  const { name, address, per, unit, min, max } = spec;
  const register = `${name}Register`;
  const index = per ? `<pIndex Offset="${hex(per.stride)}">${per.selector}Register</pIndex>` : '';
  const unitTag = unit ? `<Unit>${unit}</Unit>` : '';
  switch (spec.kind) {
    case 'text':
      return `
<StringReg Name="${name}" NameSpace="Standard"><Address>${hex(address)}</Address><Length>${name === 'DeviceID' ? 16 : 32}</Length>\
<AccessMode>RO</AccessMode><pPort>Device</pPort></StringReg>`;
    case 'enum': {
      const entries = (spec.entries ?? [])
        .map(
          (e) =>
            `<EnumEntry Name="${e.name}" NameSpace="Standard">${e.available ? '' : '<pIsAvailable>Never</pIsAvailable>'}<Value>${e.value}</Value></EnumEntry>`,
        )
        .join('');
      return `
<Enumeration Name="${name}" NameSpace="Standard">${entries}<pValue>${register}</pValue></Enumeration>${intReg(register, address, 'RW', index)}`;
    }
    case 'number': {
      if (!spec.float)
        return `
<Integer Name="${name}" NameSpace="Standard"><pValue>${register}</pValue><Min>${min}</Min><Max>${max}</Max></Integer>${intReg(register, address, 'RW', index)}`;
      return `
<Float Name="${name}" NameSpace="Standard"><pValue>${name}Converter</pValue><Min>${min}</Min><Max>${max}</Max>${unitTag}</Float>\
<Converter Name="${name}Converter"><FormulaTo>FROM</FormulaTo><FormulaFrom>TO</FormulaFrom><pValue>${register}</pValue></Converter>${intReg(register, address, 'RW', index)}`;
    }
    case 'flag':
      return `
<Boolean Name="${name}" NameSpace="Standard"><pValue>${register}</pValue></Boolean>${intReg(register, address, 'RW', index)}`;
    case 'command':
      return `
<Command Name="${name}" NameSpace="Standard"><pValue>${register}</pValue><CommandValue>1</CommandValue></Command>${intReg(register, address, 'RW')}`;
    case 'level':
      return `
<Boolean Name="${name}" NameSpace="Standard"><pValue>LineLevel</pValue><OnValue>1</OnValue><OffValue>0</OffValue></Boolean>\
<IntSwissKnife Name="LineLevel"><pVariable Name="ALL">LineLevels</pVariable><pVariable Name="SEL">LineSelectorRegister</pVariable>\
<Formula>(ALL &gt;&gt; SEL) &amp; 1</Formula></IntSwissKnife>${levels(variants)}`;
    case 'levels': {
      const first = lineNumbers(variants)[0] ?? 0;
      return `
<IntSwissKnife Name="${name}" NameSpace="Standard"><pVariable Name="ALL">LineLevels</pVariable><Formula>ALL &gt;&gt; ${first}</Formula></IntSwissKnife>`;
    }
  }
}

/** Level of every line in one mask, bit 0 is Line0: an input shows its wire, an output its source, each with its inverter. */
function levels(variants: ReadonlySet<string>): string {
  const numbers = lineNumbers(variants);
  const nodes: string[] = [intReg('Wires', registers.wires, 'RW')];
  const variables = ['<pVariable Name="WIRES">Wires</pVariable>'];
  const constant = (variable: string, name: string, address: number): void => {
    nodes.push(intReg(name, address, 'RW'));
    variables.push(`<pVariable Name="${variable}">${name}</pVariable>`);
  };
  for (let n = 0; n < userOutputCount; n++) constant(`U${n}`, `UserOutput${n}Value`, registers.userOutput + 4 * n);
  const terms = numbers.map((n) => {
    constant(`M${n}`, `Line${n}Mode`, lineRegister(n, 'mode'));
    constant(`I${n}`, `Line${n}Inverter`, lineRegister(n, 'inverter'));
    constant(`S${n}`, `Line${n}Source`, lineRegister(n, 'source'));
    const output = `((S${n} = 0) ? U0 : ((S${n} = 1) ? U1 : ((S${n} = 2) ? U2 : 0)))`;
    return `((((M${n} = 1) ? ${output} : ((WIRES &gt;&gt; ${n}) &amp; 1)) ^ I${n}) &lt;&lt; ${n})`;
  });
  return `${nodes.join('')}
<IntSwissKnife Name="LineLevels">${variables.join('')}<Formula>${terms.join(' + ')}</Formula></IntSwissKnife>`;
}
