declare module "websocket-driver" {
  import type { EventEmitter } from "node:events";
  import type { IncomingMessage } from "node:http";

  export interface Options {
    readonly protocols?: readonly string[];
    /** Bytes of one message at most. */
    readonly maxLength?: number;
  }

  export interface Driver extends EventEmitter {
    readonly io: NodeJS.ReadWriteStream;
    readonly messages: NodeJS.ReadWriteStream;
    readonly protocol: string | null;
    /** The status that answered the upgrade; on a client's driver, once the head was read. */
    readonly statusCode?: number;
    /** Of a message that comes in fragments, as long as its last has not come: those that have. A hidden member. */
    readonly _message?: { readonly _chunks: readonly unknown[] };
    setHeader(name: string, value: string): boolean;
    start(): boolean;
    binary(bytes: Uint8Array): boolean;
    close(reason?: string, code?: number): boolean;
  }

  const driver: {
    client(url: string, options?: Options): Driver;
    http(request: IncomingMessage, options?: Options): Driver;
    isWebSocket(request: IncomingMessage): boolean;
  };
  export default driver;
}
