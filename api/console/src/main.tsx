import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./App";
import { Feed } from "./feed/feed";
import "./styles/base.css";
import "./styles/bar.css";
import "./styles/list.css";
import "./styles/detail.css";
import "./styles/cameras.css";
import "./styles/search.css";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
const feed = new Feed();
feed.start();
createRoot(root).render(
  <StrictMode>
    <App feed={feed} />
  </StrictMode>,
);
