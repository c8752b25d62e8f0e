// The studio begins here.

import { render } from "preact";
import { App } from "./app";
import { restoreDraft } from "./state/draft";
import { loadJobs } from "./state/history";
import { startRouting } from "./state/routes";
import "./style/base.css";
import "./style/controls.css";
import "./style/pages.css";
import "./style/viewer.css";

startRouting();
void loadJobs();
void restoreDraft();
render(<App />, document.getElementById("app")!);
