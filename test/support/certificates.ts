import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { temporaryDirectory } from "./temporary-directory.ts";

/** PEM text. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  readonly ca: Certificate;
  /** For localhost and 127.0.0.1, by `ca`. */
  readonly server: Certificate;
  /** As `server`, valid for the year 2020 only. */
  readonly expired: Certificate;
  /** As `server`, for wrong.example only. */
  readonly wrongHost: Certificate;
  /** For localhost and 127.0.0.1, by itself. */
  readonly selfSigned: Certificate;
  /** By `ca`, common name "client". */
  readonly client: Certificate;
  /** By a CA of which nobody has heard. */
  readonly strangerClient: Certificate;
}

const run = promisify(execFile);
const loopback = "DNS:localhost,IP:127.0.0.1";

let made: Promise<Certificates> | undefined;

/** Every certificate that the tests need, made by the openssl command once per process. */
export function makeCertificates(): Promise<Certificates> {
  made ??= make();
  return made;
}

async function make(): Promise<Certificates> {
  using directory = temporaryDirectory();
  const at = (name: string) => join(directory.path, name);
  await writeFile(at("openssl.cnf"), config(directory.path));
  await writeFile(at("index.txt"), "");
  await writeFile(at("serial"), "01\n");

  const newKey = async (name: string, subject: string, ...more: string[]): Promise<void> => {
    const key = [
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-keyout",
      at(`${name}.key`),
    ];
    await run("openssl", ["req", "-config", at("openssl.cnf"), ...key, "-subj", `/CN=${subject}`, ...more]);
  };
  const selfSign = async (name: string, subject: string, ...extensions: string[]): Promise<Certificate> => {
    const added = extensions.flatMap((extension) => ["-addext", extension]);
    await newKey(name, subject, "-x509", "-days", "30", "-out", at(`${name}.crt`), ...added);
    return await read(name);
  };
  const issue = async (by: string, name: string, subject: string, names: string, validity = "-days 30") => {
    await newKey(name, subject, "-addext", `subjectAltName=${names}`, "-out", at(`${name}.csr`));
    const signer = ["-cert", at(`${by}.crt`), "-keyfile", at(`${by}.key`)];
    const files = ["-in", at(`${name}.csr`), "-out", at(`${name}.crt`)];
    // "ca" and not "x509 -req": before OpenSSL 3.4 only "ca" can make a certificate for days gone by.
    const command = ["ca", "-batch", "-notext", "-config", at("openssl.cnf")];
    await run("openssl", [...command, ...signer, ...files, ...validity.split(" ")]);
    return await read(name);
  };
  const read = async (name: string): Promise<Certificate> => ({
    cert: await readFile(at(`${name}.crt`), "utf8"),
    key: await readFile(at(`${name}.key`), "utf8"),
  });

  const authority = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"];
  const ca = await selfSign("ca", "Connack test CA", ...authority);
  await selfSign("stranger", "Unknown CA", ...authority);
  return {
    ca,
    server: await issue("ca", "server", "localhost", loopback),
    expired: await issue(
      "ca",
      "expired",
      "localhost",
      loopback,
      "-startdate 200101000000Z -enddate 210101000000Z",
    ),
    wrongHost: await issue("ca", "wrong-host", "wrong.example", "DNS:wrong.example"),
    selfSigned: await selfSign("self-signed", "localhost", `subjectAltName=${loopback}`),
    client: await issue("ca", "client", "client", "DNS:client"),
    strangerClient: await issue("stranger", "stranger-client", "client", "DNS:client"),
  };
}

function config(directory: string): string {
  return `[req]
distinguished_name = name
[name]
[ca]
default_ca = issuer
[issuer]
database = ${directory}/index.txt
new_certs_dir = ${directory}
serial = ${directory}/serial
default_md = sha256
policy = anything
copy_extensions = copy
unique_subject = no
[anything]
commonName = supplied
`;
}
