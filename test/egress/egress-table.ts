/** The policies by which each destination of the table is judged, by name. */
export const policies = {
  /** Without access control. */
  open: { isOpen: true, allow: "" },
  /** With access control. */
  token: { isOpen: false, allow: "" },
  private: { isOpen: false, allow: "private" },
  /** Every network, special ranges included. */
  everything: { isOpen: false, allow: "0.0.0.0/0,::/0" },
  /** What leads to IPv4, where that is allowed by itself. */
  tunnels: {
    isOpen: false,
    allow: "64:ff9b::/96,64:ff9b:1::/48,2002::/16,2001::/32,::800:0/104,::ffff:0:0:0/96",
  },
} as const;

export type PolicyName = keyof typeof policies;

const nobody: readonly PolicyName[] = [];
const all: readonly PolicyName[] = ["open", "token", "private", "everything", "tunnels"];
const loopback: readonly PolicyName[] = ["open", "everything"];
const within: readonly PolicyName[] = ["open", "private", "everything"];
const special: readonly PolicyName[] = ["everything"];
const tunnelled: readonly PolicyName[] = ["everything", "tunnels"];

const rows = (hosts: readonly string[], allowedBy: readonly PolicyName[]) =>
  hosts.map((host) => ({ host, allowedBy }));

/** Destinations, each with the policies that allow it; all others refuse it. */
export const destinations: readonly { readonly host: string; readonly allowedBy: readonly PolicyName[] }[] = [
  // Ordinary addresses, and those next to special ranges.
  ...rows(["8.8.8.8", "134744072", "0x08080808", "010.010.010.010", "::ffff:8.8.8.8", "::ffff:808:808"], all),
  ...rows(["1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"], all),
  ...rows(["128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0"], all),
  ...rows(["192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"], all),
  ...rows(["2600::1", "2001:200::1", "2001:4860:4860::8888", "2a00:1450::1", "2003::1", "3ffe::1"], all),

  // This machine, in every spelling.
  ...rows(["127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "017700000001"], loopback),
  ...rows(["0x7f.1", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.0x0.0.1"], loopback),
  ...rows(["::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:ffff:7f00:1"], loopback),

  // RFC 1918, and unique local.
  ...rows(["10.0.0.0", "10.1", "10.255.255.255", "0xa.1", "012.0.0.1", "167772161"], within),
  ...rows(["172.16.0.0", "172.31.255.255", "192.168.0.1", "192.168.257", "3232235521"], within),
  ...rows(["fc00::1", "fd00::1", "fdff:ffff::1", "::ffff:10.0.0.1", "::ffff:c0a8:1"], within),

  // Never: unspecified ("this network"), multicast, broadcast.
  ...rows(["0", "0.0.0.0", "0x0", "0.1.2.3", "0.255.255.255", "::", "0::0", "::ffff:0.0.0.0"], nobody),
  ...rows(["224.0.0.1", "239.255.255.255", "0xe0000001", "::ffff:224.0.0.1", "ff02::1", "ff0e::1"], nobody),
  ...rows(["255.255.255.255", "4294967295", "0xffffffff", "::ffff:255.255.255.255"], nobody),

  // Never: metadata of the clouds, in every spelling.
  ...rows(["169.254.169.254", "2852039166", "0xa9fea9fe", "169.254.43518", "0251.0376.0251.0376"], nobody),
  ...rows(["::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "169.254.170.2", "169.254.170.23"], nobody),
  ...rows(["100.100.100.200", "168.63.129.16", "192.0.0.192", "169.254.42.42", "169.254.0.23"], nobody),
  ...rows(
    ["100.96.0.96", "fd00:ec2::254", "fd00:0ec2:0:0:0:0:0:254", "fd00:ec2::23", "fd20:ce::254"],
    nobody,
  ),
  ...rows(["fd00:c1::a9fe:a9fe", "fd00:42::42", "fe80::a9fe:a9fe", "fe80::a9fe:a9fe%lo"], nobody),
  // A zone hides nothing.
  ...rows(["fd00:ec2::254%lo", "::1%lo", "2600::1%lo", "::ffff:127.0.0.1%lo"], nobody),
  // Inside of IPv6 addresses that lead to them.
  ...rows(["::169.254.169.254", "::ffff:0:169.254.169.254", "64:ff9b::a9fe:a9fe"], nobody),
  ...rows(["64:ff9b:1::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::", "64:ff9b:1:a9:fe:a9fe::"], nobody),
  ...rows(["64:ff9b:1::a9:fea9:fe00:0", "2002:a9fe:a9fe::", "2001:0:a9fe:a9fe::f7f7:f7f7"], nobody),
  ...rows(["2001:0:808:808::5601:5601", "64:ff9b::e000:1", "64:ff9b::", "64:ff9b:1::", "2002::1"], nobody),

  // Special ranges of IPv4 (RFC 6890 and its registry), first and last addresses.
  ...rows(["100.64.0.0", "100.127.255.255", "1681915905", "::ffff:100.64.0.1"], special),
  ...rows(["169.254.0.0", "169.254.1.1", "169.254.255.255", "::ffff:169.254.1.1"], special),
  ...rows(["192.0.0.0", "192.0.0.8", "192.0.0.9", "192.0.0.10", "192.0.0.170", "192.0.0.255"], special),
  ...rows(
    ["192.0.2.0", "192.0.2.255", "198.51.100.1", "203.0.113.1", "192.31.196.1", "192.52.193.1"],
    special,
  ),
  ...rows(["192.88.99.1", "192.88.99.2", "192.175.48.1", "198.18.0.0", "198.19.255.255"], special),
  ...rows(["240.0.0.0", "255.255.255.254", "::ffff:192.0.2.1"], special),

  // Special ranges of IPv6, and what is nobody's.
  ...rows(["fe80::1", "fe80::1%lo", "febf::1", "fec0::1", "feff::1", "100::1", "100:0:0:1::1"], special),
  ...rows(["2001:1::1", "2001:1::2", "2001:2::1", "2001:3::1", "2001:4:112::1", "2001:5::1"], special),
  ...rows(
    ["2001:10::1", "2001:20::1", "2001:30::1", "2001:1ff::1", "2001:db8::1", "2620:4f:8000::1"],
    special,
  ),
  ...rows(["3fff::1", "3fff:fff::1", "5f00::1", "4000::1", "200::1", "e000::1", "64:ff9b:2::1"], special),

  // IPv4 within IPv6: where the way is opened, what it leads to has to be allowed as well.
  ...rows(
    ["::8.8.8.8", "::8.0x8.8.8", "::ffff:0:8.8.8.8", "64:ff9b::8.8.8.8", "64:ff9b:1::808:808"],
    tunnelled,
  ),
  ...rows(["64:ff9b:1:808:8:800::", "2002:808:808::1", "2001:0:808:808::f7f7:f7f7"], tunnelled),
  ...rows(
    ["::127.0.0.1", "::7f00:1", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::7f00:1"],
    special,
  ),
  ...rows(["64:ff9b:1::7f00:1", "64:ff9b:1:7f00:0:100::", "64:ff9b::a00:1", "64:ff9b::6440:1"], special),
  ...rows(
    ["2002:7f00:1::", "2002:a00:1::", "2001:0:7f00:1::f7f7:f7f7", "2001:0:808:808::80ff:fffe"],
    special,
  ),
];
