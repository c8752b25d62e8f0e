// The frame around every page: name, ways to go, what a screen reader hears, and the question for a token.

import { useEffect, useRef } from "preact/hooks";
import { Empty } from "./parts/notice";
import { TokenDialog } from "./parts/token_dialog";
import { ComparePage } from "./pages/compare";
import { GalleryPage } from "./pages/gallery";
import { JobPage } from "./pages/job";
import { StartPage } from "./pages/start";
import { token } from "./server/token";
import { announcement } from "./state/announce";
import { linkTo, route, type Route } from "./state/routes";

export function App() {
  const here = route.value;
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    document.title = `${TITLES[here.page]} · unflat`;
    if (first.current) return void (first.current = false);
    main.current!.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [here]);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current!.focus())}>Skip to the page</a>
      <header class="top">
        <a class="name" href={linkTo.start} aria-label="unflat, first page">
          <Mark />
          unflat
        </a>
        <nav aria-label="Pages">
          <a href={linkTo.start} aria-current={here.page === "start" ? "page" : undefined}>New</a>
          <a href={linkTo.gallery} aria-current={here.page === "gallery" ? "page" : undefined}>Models</a>
        </nav>
      </header>
      <main ref={main} id="main" tabIndex={-1}>
        <Page key={token.value} here={here} />
      </main>
      <div class="away" aria-live="polite" role="status">{announcement.value}</div>
      <TokenDialog />
    </>
  );
}

function Page({ here }: { here: Route }) {
  switch (here.page) {
    case "start":
      return <StartPage />;
    case "gallery":
      return <GalleryPage />;
    case "job":
      return <JobPage key={here.id} id={here.id} />;
    case "compare":
      return <ComparePage ids={here.ids} />;
    case "lost":
      return (
        <Empty title="There is no such page" text="The address may have been cut off.">
          <a class="button main" href={linkTo.start}>To the first page</a>
        </Empty>
      );
  }
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path class="mark-flat" d="M16 3l12 6.6-12 6.6L4 9.6z" />
      <path class="mark-left" d="M4 9.6l12 6.6V29L4 22.4z" />
      <path class="mark-right" d="M28 9.6l-12 6.6V29l12-6.6z" />
    </svg>
  );
}

const TITLES: Record<Route["page"], string> = {
  start: "Photo to 3D model",
  gallery: "Models",
  job: "Model",
  compare: "Side by side",
  lost: "Not found",
};
