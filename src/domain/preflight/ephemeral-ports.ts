/**
 * Tells which ports the kernel may give to outgoing connections, from the texts of `ip_local_port_range`
 * (`32768 60999`) and `ip_local_reserved_ports` (`8080,60000-60015`, or empty); see the kernel's ip-sysctl.
 * A range that cannot be read gives away none.
 */
export function ephemeralPorts(range: string, reserved: string): (port: number) => boolean {
  const [first = Number.NaN, last = Number.NaN] = range.trim().split(/\s+/).map(Number);
  const kept = reserved
    .trim()
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const [from = Number.NaN, to = from] = part.split('-').map(Number);
      return { from, to };
    });
  return (port) => port >= first && port <= last && !kept.some(({ from, to }) => port >= from && port <= to);
}
