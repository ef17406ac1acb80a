//! The program in a real browser: Debian's Chromium, driven through chromedriver. What only a
//! browser shows is tested here; `./scripts/test` installs what it takes.

mod accessible;
mod chromium;
mod jobs;
mod light;
mod list;
mod live;
mod second_factor;
mod stage;
mod story;
mod users;
