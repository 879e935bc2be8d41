/** @jsxImportSource hono/jsx */
import type { Child, PropsWithChildren } from "hono/jsx";

interface FieldProps {
  readonly label: string;
  readonly name: string;
  readonly id?: string;
  readonly type?: "text" | "search" | "password";
  readonly placeholder?: string;
  readonly required?: boolean;
  readonly wide?: boolean;
}

/** A line of text, with its label. Browsers fill nothing in: what is typed here is about brokers. */
export function Field({ label, name, id, type, placeholder, required, wide }: FieldProps) {
  return (
    <label class={wide ? "wide" : undefined}>
      {label}
      <input {...{ name, id, type, placeholder, required }} autocomplete="off" spellcheck={false} />
    </label>
  );
}

/** Lines of text, with their label. */
export function Area({ label, name, placeholder, wide }: Omit<FieldProps, "type" | "id" | "required">) {
  return (
    <label class={wide ? "wide" : "whole"}>
      {label}
      <textarea {...{ name, placeholder }} rows={2} spellcheck={false}></textarea>
    </label>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly name: string;
  readonly id?: string;
  /** Values, with what is shown for each. */
  readonly options: Readonly<Record<string, string>> | readonly string[];
}

export function Choice({ label, name, id, options }: ChoiceProps) {
  const shown = Array.isArray(options)
    ? options.map((each: string) => [each, each] as const)
    : Object.entries(options);
  return (
    <label>
      {label}
      <select {...{ name, id }}>
        {shown.map(([value, text]) => (
          <option value={value}>{text}</option>
        ))}
      </select>
    </label>
  );
}

/** The QoS of a form. */
export const QoS = () => <Choice label="QoS" name="qos" options={["0", "1", "2"]} />;

export function Check({ label, name, wide }: Pick<FieldProps, "label" | "name" | "wide">) {
  return (
    <label class={wide ? "check wide" : "check"}>
      <input name={name} type="checkbox" /> {label}
    </label>
  );
}

/** Gives a call as a command; `of` says which, to who does not see what it stands beside. */
export function Curl({ id, of }: { readonly id: string; readonly of: string }) {
  return (
    <button id={`${id}-curl`} class="curl" type="button" aria-label={`Copy ${of} as curl`}>
      curl
    </button>
  );
}

interface CallProps {
  readonly label: string;
  /** Of the button, or, where the button submits a form, of the form. */
  readonly id: string;
  readonly submits?: boolean;
  readonly kind?: "main" | "danger";
}

/** A button that makes a call, and beside it the one that gives the call as a command. */
export function Call({ label, id, submits = false, kind }: CallProps) {
  return (
    <span class="pair">
      <button id={submits ? undefined : id} type={submits ? "submit" : "button"} class={kind}>
        {label}
      </button>
      <Curl id={id} of={id} />
    </span>
  );
}

/** A heading, and what it has beside it. */
export function Heading({ text, id, children }: PropsWithChildren<{ text: string; id?: string }>): Child {
  return (
    <div class="bar heading">
      <h3 id={id}>{text}</h3>
      {children}
    </div>
  );
}
