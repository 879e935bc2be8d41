/** What the server says of an error (RFC 9457), with the members that some codes have. */
export interface ProblemBody {
  readonly type?: string;
  readonly title?: string;
  readonly status: number;
  readonly detail?: string;
  /** `urn:request:<id>`, which stands in the server's log, too. */
  readonly instance?: string;
  readonly code: string;
  readonly retryable: boolean;
  readonly errors?: readonly ProblemFieldError[];
  readonly stage?: string;
  readonly hint?: string;
  readonly cause?: string;
  readonly httpStatus?: number;
  readonly mqtt?: MqttReason;
  readonly limit?: { readonly name: string; readonly value: number };
  readonly state?: string;
  readonly duplicatePossible?: boolean;
}

/** One thing that is wrong with a call: where (JSON Pointer into the body, or a parameter), and what was wanted. */
export interface ProblemFieldError {
  readonly pointer?: string;
  readonly parameter?: string;
  readonly detail: string;
}

/** What the broker said, with the version that gives the code its meaning. */
export interface MqttReason {
  readonly packet: string;
  readonly reasonCode: number;
  readonly reasonName: string;
  readonly reasonString: string | null;
  readonly serverReference: string | null;
  readonly protocolVersion: string;
}

/** The server answered with a problem. Compare `code`, never the text. */
export class ConnackProblem extends Error {
  override readonly name = "ConnackProblem";
  readonly body: ProblemBody;
  /** From `Retry-After`; null where it was not sent. */
  readonly retryAfterSeconds: number | null;

  constructor(body: ProblemBody, retryAfterSeconds: number | null = null) {
    super(body.detail ?? body.title ?? body.code);
    this.body = body;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  get status(): number {
    return this.body.status;
  }

  /** One of the server's `/problems/<code>`; `http-<status>` where somebody else answered, as a proxy does. */
  get code(): string {
    return this.body.code;
  }

  /** Whether the same call can succeed later. */
  get retryable(): boolean {
    return this.body.retryable;
  }

  get errors(): readonly ProblemFieldError[] {
    return this.body.errors ?? [];
  }

  /** Which stage of the connect attempt failed. */
  get stage(): string | undefined {
    return this.body.stage;
  }

  get hint(): string | undefined {
    return this.body.hint;
  }

  get mqtt(): MqttReason | undefined {
    return this.body.mqtt;
  }

  get limit(): ProblemBody["limit"] {
    return this.body.limit;
  }

  /** Whether the same message may arrive twice when the call is repeated. */
  get duplicatePossible(): boolean {
    return this.body.duplicatePossible ?? false;
  }
}

/** No answer came: the server could not be reached, or the answer broke off. Whether the call had its effect is unknown. */
export class ConnackUnreachable extends Error {
  override readonly name = "ConnackUnreachable";
}

/** Reads the problem of an answer that is not a success. */
export async function problemOf(response: Response): Promise<ConnackProblem> {
  const { status } = response;
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  const retryAfter = Number.isFinite(seconds) ? seconds : null;
  const text = await response.text().catch(() => "");
  const body = parse(text);
  if (body !== null && typeof body["code"] === "string") {
    const retryable = body["retryable"] === true;
    return new ConnackProblem({ ...body, status, code: body["code"], retryable }, retryAfter);
  }
  const detail = `The answer has status ${status}, and is none of Connack's`;
  return new ConnackProblem(
    { status, code: `http-${status}`, detail, retryable: status === 429 || status >= 500 },
    retryAfter,
  );
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
