/** @jsxImportSource hono/jsx */
import { Area, Call, Check, Choice, Field } from "./controls.tsx";

const versions = { 5: "MQTT 5", "3.1.1": "MQTT 3.1.1", "3.1": "MQTT 3.1", auto: "auto" };

export const ConnectSection = () => (
  <section aria-labelledby="connect-title">
    <h2 id="connect-title">Connect</h2>
    <form id="connect">
      <Field label="URL" name="url" id="url" placeholder="mqtts://broker.example:8883" required wide />
      <Field label="Id" name="id" placeholder="made for you" />
      <Field label="Client id" name="clientId" placeholder="made for you" />
      <Field label="Username" name="username" />
      <Field label="Password" name="password" id="password" type="password" />
      <Choice label="Protocol" name="protocolVersion" options={versions} />
      <Field label="Labels" name="labels" placeholder="site:north, team:a" />
      <Area label="More fields of the request, as JSON" name="more" placeholder='{"keepAlive": 30}' wide />
      <Check label="Keep trying when the first attempt fails" name="later" wide />
      <span class="wide bar actions">
        <Call id="connect" label="Connect" kind="main" submits />
        <Call id="probe" label="Probe" />
      </span>
    </form>
    <div id="connect-answer" class="answer" role="status"></div>
  </section>
);
