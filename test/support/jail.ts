import { spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildImage, readDockerfile } from "./dockerfile.ts";
import { startProgram, type Program } from "./program.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** The user that the image runs as. */
export const jailUser = 65_532;

/** As much of a container as a mount namespace is: the image's files, all read-only but for `/data`, and no rights. */
export interface Jail extends Disposable {
  /** The data directory, as it is seen from outside. */
  readonly data: string;
  start(command: readonly string[], environment: Record<string, string>): Program;
}

/** Bun's binary itself: what stands in .bin needs Node. */
function bunBinary(): string {
  const modules = join(import.meta.dirname, "../../node_modules");
  const folders = existsSync(join(modules, "@oven")) ? readdirSync(join(modules, "@oven")) : [];
  const places = [
    join(modules, "bun/bin/bun.exe"),
    ...folders.map((name) => join(modules, "@oven", name, "bin/bun")),
  ];
  const isBinary = (path: string) =>
    existsSync(path) && readFileSync(path).subarray(1, 4).toString() === "ELF";
  return places.find(isBinary) ?? process.execPath;
}

// The libraries that bun is linked with, which the base image has, and what the kernel shows. Without rights in the end:
// `chroot` gives up root and its capabilities, and nothing that is started can get any.
const enter = `
image="$1"; bun="$2"; shift 2
mount --bind "$image" "$image"
for folder in lib lib64 usr/lib proc dev; do
  if [ -d "/$folder" ]; then mount --rbind "/$folder" "$image/$folder"; fi
done
mount --bind "$bun" "$image/usr/local/bin/bun"
mount --bind "$image.data" "$image/data"
mount -o remount,bind,ro "$image"
umask 0
exec setpriv --no-new-privs chroot --userspec=${jailUser}:${jailUser} "$image" /usr/local/bin/bun --cwd=/app "$@"`;

/** Why there cannot be one here; false where there can. It needs Linux and the rights of root. */
export function cannotJail(): string | false {
  if (process.platform !== "linux" || process.getuid?.() !== 0)
    return "a jail needs Linux and the rights of root";
  const script = "mount -t tmpfs tmpfs /mnt && setpriv --no-new-privs true";
  const { status } = spawnSync("unshare", ["--mount", "sh", "-c", script], { stdio: "ignore" });
  return status === 0 ? false : "mount namespaces are not allowed here";
}

export function startJail(): Jail {
  const directory = temporaryDirectory();
  const image = join(directory.path, "image");
  const data = `${image}.data`;
  const dockerfile = readDockerfile();
  buildImage(image, dockerfile);
  for (const folder of ["lib", "lib64", "usr/lib", "proc", "dev", "usr/local/bin"])
    mkdirSync(join(image, folder), { recursive: true });
  writeFileSync(join(image, "usr/local/bin/bun"), "");
  const binary = bunBinary();
  mkdirSync(data, { mode: 0o700 });
  chownSync(data, jailUser, jailUser);
  return {
    data,
    start: ([bun = "", ...args], environment) => {
      if (bun !== "/usr/local/bin/bun") throw new TypeError(`${bun} is not in the image`);
      const inside = [
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-eu",
        "-c",
        enter,
        "sh",
        image,
        binary,
        ...args,
      ];
      return startProgram("unshare", inside, { ...dockerfile.environment, ...environment });
    },
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}
