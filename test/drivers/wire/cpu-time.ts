/** Milliseconds of processor time that `work` takes: unlike wall time it does not grow with the load of the machine. */
export function cpuTime(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
