/** Zeros of an IPv6 address before its end, shortened or not: `::`, `0:0:0:0:0:0:0:`. */
const ZEROS = '(0{0,4}:)+';

/** Loopback addresses, and those that stand for every address of a machine, as text, as IPv4 and as IPv6. */
const OWN_MACHINE = new RegExp(
  [
    ...['(.+\\.)?localhost(\\.localdomain)?\\.?', 'ip6-(localhost|loopback)', '0', `${ZEROS}0{0,3}[01]?`],
    `(${ZEROS}ffff:)?(127\\..*|0\\.0\\.0\\.0)`,
    `${ZEROS}ffff:(7f[0-9a-f]{2}:.*|0{1,4}:0{1,4})`,
  ]
    .map((form) => `^${form}$`)
    .join('|'),
  'i',
);

/** Whether an address means another machine on each machine, so that several cannot meet there. */
export function isOwnMachine(address: string): boolean {
  return OWN_MACHINE.test(address.replaceAll(/^\[|\]$|%.*$/g, ''));
}
