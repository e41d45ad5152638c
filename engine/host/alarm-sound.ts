/** The sound of a site that names none of its own: two tones, a second long, made here so that no file must be shipped. */
const RATE = 16_000;
const SECONDS = 1;
const TONES = [880, 660] as const;
const LOUDNESS = 0.6 * 0x7fff;
/** A tone that begins or ends at once clicks. */
const FADE_S = 0.01;

/** A RIFF WAVE file, 16 bit, mono. */
export function alarmSound(): Buffer {
  const samples = RATE * SECONDS;
  const file = Buffer.alloc(44 + samples * 2);
  file.write('RIFF', 0, 'latin1');
  file.writeUInt32LE(file.length - 8, 4);
  file.write('WAVEfmt ', 8, 'latin1');
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(RATE, 24);
  file.writeUInt32LE(RATE * 2, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write('data', 36, 'latin1');
  file.writeUInt32LE(samples * 2, 40);
  const half = samples / TONES.length;
  for (let i = 0; i < samples; i++) {
    const at = (i % half) / RATE;
    const tone = TONES[Math.floor(i / half)] ?? TONES[0];
    const fade = Math.min(1, at / FADE_S, (half / RATE - at) / FADE_S);
    file.writeInt16LE(Math.round(Math.sin(2 * Math.PI * tone * at) * LOUDNESS * fade), 44 + i * 2);
  }
  return file;
}
