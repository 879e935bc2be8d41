/** @jsxImportSource hono/jsx */
import { ClusterSection } from "./cluster-section.tsx";
import { ConnectSection } from "./connect-section.tsx";
import { Curl, Heading } from "./controls.tsx";
import { DetailSection } from "./detail-section.tsx";
import { ListSection, Totals } from "./list-section.tsx";

/** The page at `/`, without anything of anybody's: the scripts fill it in. The same for all, so that it is made once. */
export function renderPage(): string {
  const page = <Page />;
  if (page instanceof Promise) throw new TypeError("The page waits for something");
  return `<!doctype html>${String(page)}`;
}

const Page = () => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>Connack</title>
      <link rel="icon" href="data:," />
      <link rel="stylesheet" href="/dashboard/style.css" />
      <link rel="stylesheet" href="/dashboard/parts.css" />
      <link rel="stylesheet" href="/dashboard/list.css" />
      <link rel="stylesheet" href="/dashboard/cluster.css" />
      <script type="module" src="/dashboard/main.js"></script>
    </head>
    <body>
      <header class="bar">
        <h1>Connack</h1>
        <span id="status" role="status"></span>
        <button id="new" type="button" class="main" hidden>
          New connection
        </button>
        <button id="sign-out" type="button" hidden>
          Sign out
        </button>
      </header>
      <noscript>
        <p>This page needs JavaScript. Everything that it does is a call of the HTTP API.</p>
      </noscript>
      <div id="banner" hidden>
        <span id="banner-text"></span>{" "}
        <progress id="banner-progress" aria-labelledby="banner-text"></progress>
      </div>
      <SignIn />
      <main id="app" hidden>
        <p id="trouble" class="problem" role="alert"></p>
        <Totals />
        <ClusterSection />
        <DetailSection />
        <ListSection />
        <ConnectSection />
        <Recent />
      </main>
    </body>
  </html>
);

const SignIn = () => (
  <form id="sign-in" hidden>
    <h2>Sign in</h2>
    <p>This server asks for a token.</p>
    <label>
      Token <input id="token" name="token" type="password" autocomplete="off" required />
    </label>
    <button class="main">Sign in</button>
    <p id="sign-in-answer" class="problem" role="alert"></p>
  </form>
);

const Recent = () => (
  <section>
    <Heading text="Last events">
      <Curl id="recent" of="all events" />
    </Heading>
    <div id="recent-answer" class="answer" role="status"></div>
    <ol id="recent"></ol>
  </section>
);
