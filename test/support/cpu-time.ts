/**
 * Milliseconds that this thread had the processor, since it began. Says how much work something is, also while others
 * have the processor; the time on the wall says then how busy the machine is.
 */
export function cpuTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
