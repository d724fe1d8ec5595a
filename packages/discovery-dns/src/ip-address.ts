const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/u;
const IPV6 = /^(?<address>[0-9a-f:.]+)(?:%(?<zone>[A-Za-z0-9_.-]+))?$/iu;

/** The one way to write an IP address, so that two can be compared; undefined for what is none. */
export function canonicalIp(text: string): string | undefined {
  if (IPV4.test(text)) return text.split('.').map(Number).join('.');
  const { address, zone } = IPV6.exec(text)?.groups ?? {};
  if (address === undefined || !address.includes(':')) return undefined;
  try {
    const short = new URL(`http://[${address}]/`).hostname.slice(1, -1);
    return zone === undefined ? short : `${short}%${zone}`;
  } catch {
    return undefined;
  }
}

/** Whether one machine can be reached there: not the unspecified address, a group's, or the broadcast's. */
export function isUnicast(address: string): boolean {
  if (address.includes(':')) return address !== '::' && !/^ff/iu.test(address);
  const first = Number(address.split('.')[0]);
  return first > 0 && first < 224;
}
