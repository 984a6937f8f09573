import { networkInterfaces } from 'node:os';

type Interfaces = ReturnType<typeof networkInterfaces>;

/** Name of the network interface that has this address, or null: a host name, or an address behind a translation. */
export function interfaceOf(address: string, interfaces: Interfaces = networkInterfaces()): string | null {
  const found = Object.entries(interfaces).find(([, addresses]) => addresses?.some((one) => one.address === address));
  return found?.[0] ?? null;
}
