// Asks for a token where the server answers only those who are logged in.
import { login } from "../net/api.js";
import { element, fill, muted, setText } from "../ui/dom.js";

export function showLogin(main, then) {
  const field = element("input", { type: "password", id: "token", autocomplete: "current-password", required: true });
  const said = element("p", { class: "cause", role: "alert" });
  const submit = element("button", { type: "submit", class: "primary" }, "Log in");
  const form = element("form", { class: "login", submit: enter },
    element("h1", {}, "Log in"),
    element("label", { for: "token" }, "Token"), field, submit, said,
    muted("Whoever runs the controller makes one: ", element("code", {}, "plctl controller token")));
  fill(main, form);
  field.focus();

  async function enter(event) {
    event.preventDefault();
    submit.disabled = true;
    setText(said, "");
    try {
      await login(field.value.trim());
      then();
    } catch (error) {
      setText(said, `Not logged in: ${error.message}.`);
      field.select();
    } finally {
      submit.disabled = false;
    }
  }
  return () => {};
}
