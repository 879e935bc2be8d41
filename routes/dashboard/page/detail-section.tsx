/** @jsxImportSource hono/jsx */
import { Area, Call, Check, Curl, Field, Heading, QoS } from "./controls.tsx";

/** All about one connection; empty until one is opened. */
export const DetailSection = () => (
  <section id="detail" aria-labelledby="detail-title" hidden>
    <div class="bar">
      <h2 id="detail-title" tabindex={-1}></h2>
      <span id="detail-state" class="state"></span>
      <span id="detail-since" class="quiet"></span>
      <Curl id="view" of="the view" />
      <button id="close" type="button">
        Close
      </button>
    </div>
    <p id="detail-reason"></p>
    <div class="bar actions">
      <Call id="reconnect" label="Reconnect" />
      <Call id="ping" label="Ping" />
      <Call id="disconnect" label="Disconnect" kind="danger" />
    </div>
    <div id="answer" class="answer" role="status"></div>
    <div class="columns">
      <Connected />
      <Happened />
      <Exchanged />
    </div>
  </section>
);

const Connected = () => (
  <div>
    <Heading text="Last attempt" />
    <div id="stages" role="img"></div>
    <dl id="facts"></dl>
    <Heading text="The broker’s limits" />
    <dl id="limits"></dl>
  </div>
);

const Happened = () => (
  <div>
    <Heading text="Timeline">
      <Curl id="timeline" of="the timeline" />
    </Heading>
    <ol id="timeline" class="scrolling" tabindex={0} aria-label="Timeline"></ol>
    <Heading text="Messages">
      <span class="pair">
        <button id="watch" type="button" aria-pressed="false">
          Watch messages
        </button>
        <Curl id="watch" of="watch messages" />
      </span>
    </Heading>
    <ol id="messages" class="scrolling" tabindex={0} aria-label="Messages"></ol>
  </div>
);

const Exchanged = () => (
  <div>
    <Heading text="Subscriptions">
      <Curl id="subscriptions" of="subscriptions" />
    </Heading>
    <ul id="subscriptions"></ul>
    <form id="subscribe" class="fields">
      <Field label="Topic filter" name="topicFilter" required />
      <QoS />
      <Call id="subscribe" label="Subscribe" submits />
    </form>
    <Heading text="Publish" />
    <form id="publish" class="fields">
      <Field label="Topic" name="topic" required />
      <Area label="Payload" name="payload" />
      <QoS />
      <Check label="retain" name="retain" />
      <Call id="publish" label="Publish" submits />
    </form>
  </div>
);
