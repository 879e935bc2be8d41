/** The clause of MQTT 5 (or of the version it names) and a sentence that says what to check. */
type Row = readonly [clause: string, hint: string];
type Rows = Readonly<Record<number, Row>>;

/**
 * What a CONNACK with a refusing code means for the next attempt (MQTT 5 §3.2.2.2; MQTT 3.1.1 §3.2.2.3).
 * `permanent`: the same CONNECT would be refused again; a person has to change something. `transient`: worth
 * another attempt. `busy`: transient, and the broker itself says that it is a matter of load or availability.
 * MQTT 5 gives 1 to 5 no meaning in a CONNACK, so both versions fit in one table. `{version}` is what we spoke.
 */
export const connackFailures: Readonly<Record<"permanent" | "transient" | "busy", Rows>> = {
  permanent: {
    1: [
      "3.1.1 §3.1.2.2",
      'The broker does not speak MQTT {version}; try another protocolVersion, or "auto".',
    ],
    2: ["3.1.1 §3.1.3.1", "The broker does not allow this client identifier; check clientId and cleanStart."],
    4: ["3.1.1 §3.2.2.3", "The broker knows no such user name or password; check username and password."],
    5: [
      "3.1.1 §3.2.2.3",
      "The broker does not let this client in; check username, password and access rules.",
    ],
    0x81: ["§4.13.1", "The broker could not parse the CONNECT packet; check protocolVersion and properties."],
    0x82: ["§4.13.1", "The broker finds the CONNECT packet against the standard; check properties and will."],
    0x83: ["§3.2.2.2", "The broker does not take this CONNECT, though it is valid; see the broker's manual."],
    0x84: ["§3.1.2.2", 'The broker does not speak MQTT {version}; try another protocolVersion, or "auto".'],
    0x85: ["§3.1.3.1", "The broker does not allow this client identifier; check clientId."],
    0x86: ["§3.2.2.2", "The broker knows no such user name or password; check username and password."],
    0x87: ["§3.2.2.2", "The broker does not let this client in; check username, password and access rules."],
    0x8a: ["§3.2.2.2", "The broker has banned this client; ask who administers the broker."],
    0x8c: ["§4.12", "The broker does not offer this way to authenticate; check authenticationMethod."],
    0x90: ["§3.2.2.2", "The broker does not accept the topic of the will; check will.topic."],
    0x95: ["§3.2.2.2", "The CONNECT packet is larger than the broker allows; shorten will and properties."],
    0x99: [
      "§3.1.3.2.3",
      "The will's payload is not the UTF-8 it claims to be; check payloadFormatIndicator.",
    ],
    0x9a: ["§3.2.2.3.5", "The broker keeps no retained messages; set will.retain to false."],
    0x9b: ["§3.2.2.3.4", "The broker does not support the QoS of the will; lower will.qos."],
    // References are shown, not followed: they would lead past the checks on where we may connect.
    0x9c: ["§4.11", "The broker asks to use another one for now; connect to what serverReference names."],
    0x9d: ["§4.11", "The broker has moved for good; change url to what serverReference names."],
  },
  transient: {
    0x80: ["§3.2.2.2", "The broker refused without saying why; its log may tell."],
  },
  busy: {
    3: ["3.1.1 §3.2.2.3", "The broker is reached, but its MQTT service is not available; check the broker."],
    0x88: ["§3.2.2.2", "The broker is reached, but its MQTT service is not available; check the broker."],
    0x89: ["§3.2.2.2", "The broker is busy; check its load, or wait."],
    0x97: ["§3.2.2.2", "A quota at the broker is used up; check its limits, such as the number of clients."],
    0x9f: ["§3.2.2.2", "Too many connections in a short time; check the broker's connection rate limit."],
  },
};

/**
 * What a DISCONNECT from the broker means for the next attempt (MQTT 5 §3.14.2.1).
 * `permanent`: the next attempt is sure to repeat the cause (it sends the same CONNECT, and subscribes again), or
 * the broker wants the client to stay away. `transient`: the cause ends with this network connection, or was one
 * packet of many. So 0x81, 0x82, 0x90, 0x94, 0x95, 0x99, 0x9A and 0x9B are transient: a single bad publish must
 * not take the connection from everybody who shares it, topic aliases start anew (§3.3.2.3.4), and if CONNECT was
 * the cause, the next CONNACK says so for good. A message that the session sends again only meets the back-off.
 */
export const disconnectFailures: Readonly<Record<"permanent" | "transient", Rows>> = {
  permanent: {
    // Also sent for one forbidden publish, yet only rights at the broker can change it, and many ban who insists.
    0x87: ["§3.14.2.1", "The broker does not allow what this client did; check its access rules."],
    0x8c: ["§4.12.1", "The broker did not accept the authentication; check authenticationMethod."],
    0x8e: [
      "§3.1.4",
      "Another client has connected with the same client identifier; check who uses clientId.",
    ],
    0x8f: ["§3.14.2.1", "The broker does not accept a topic filter; check the subscriptions."],
    0x98: ["§3.14.2.1", "The broker's administrator closed the connection; ask who administers the broker."],
    0x9c: ["§4.11", "The broker asks to use another one for now; connect to what serverReference names."],
    0x9d: ["§4.11", "The broker has moved for good; change url to what serverReference names."],
    0x9e: [
      "§3.2.2.3.13",
      'The broker has no shared subscriptions; remove the filters that begin with "$share/".',
    ],
    0xa1: ["§3.2.2.3.12", "The broker has no subscription identifiers; subscribe without them."],
    0xa2: ["§3.2.2.3.11", 'The broker has no wildcard subscriptions; remove the filters with "+" or "#".'],
  },
  transient: {
    0x00: ["§3.14.2.1", "The broker closed the connection without naming a fault; its log may tell why."],
    0x04: ["§3.14.2.1", "The broker sent a code that only clients may send; its log may tell why it closed."],
    0x80: ["§3.14.2.1", "The broker closed the connection without saying why; its log may tell."],
    0x81: ["§4.13.1", "The broker could not parse a packet that it was sent; its log may tell which."],
    0x82: ["§4.13.1", "The broker did not expect a packet that it was sent; its log may tell which."],
    0x83: [
      "§3.14.2.1",
      "The broker cannot process a packet that it was sent, though it is valid; see its log.",
    ],
    0x89: ["§3.14.2.1", "The broker is too busy to go on with this client; check its load, or wait."],
    0x8b: ["§3.14.2.1", "The broker is shutting down; wait until it is back."],
    0x8d: [
      "§3.1.2.10",
      "The broker heard nothing for 1.5 times keepAlive; check the network, or raise keepAlive.",
    ],
    0x90: ["§3.14.2.1", "The broker does not accept the topic of a publish; check recent publishes."],
    0x93: ["§4.9", "More publishes were in flight than the broker's receiveMaximum allows; see its log."],
    0x94: ["§3.3.2.3.4", "The broker does not know a topic alias; check recent publishes with topicAlias."],
    0x95: ["§3.2.2.3.6", "A packet was larger than the broker allows; check the size of recent publishes."],
    0x96: ["§3.14.2.1", "Messages came faster than the broker allows; publish more slowly."],
    0x97: ["§3.14.2.1", "A quota at the broker is used up; check its limits."],
    0x99: ["§3.3.2.3.2", "A payload was not the UTF-8 it claimed to be; check payloadFormatIndicator."],
    0x9a: ["§3.2.2.3.5", "The broker keeps no retained messages; publish with retain false."],
    0x9b: ["§3.2.2.3.4", "The broker does not support the QoS of a publish; publish with a lower qos."],
    0x9f: ["§3.14.2.1", "Too many connections in a short time; check the broker's connection rate limit."],
    0xa0: ["§3.14.2.1", "The broker limits how long a connection may last; a new one may be made."],
  },
};
