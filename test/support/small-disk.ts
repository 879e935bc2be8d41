import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "./temporary-directory.ts";

/** A file system of its own with little room, which can be filled up. */
export interface SmallDisk extends Disposable {
  readonly path: string;
  /** Takes all the room there is. */
  fill(): void;
  /** Gives back what {@link fill} took. */
  free(): void;
}

/** Why there cannot be one here; false where there can. It needs the right to mount. */
export function cannotMount(): string | false {
  using directory = temporaryDirectory();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", directory.path], { stdio: "pipe" });
    execFileSync("umount", [directory.path], { stdio: "pipe" });
    return false;
  } catch {
    return "this user may not mount a file system";
  }
}

export function smallDisk(megabytes: number): SmallDisk {
  const directory = temporaryDirectory();
  const { path } = directory;
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path], { stdio: "pipe" });
  const filler = join(path, "filler");
  return {
    path,
    fill() {
      try {
        // More than there is: what fits stays.
        writeFileSync(filler, Buffer.alloc(megabytes * 1_048_576));
      } catch {
        // No room is what was wanted.
      }
    },
    free: () => rmSync(filler, { force: true }),
    [Symbol.dispose]() {
      execFileSync("umount", ["-l", path], { stdio: "pipe" });
      directory[Symbol.dispose]();
    },
  };
}
