//! A program at work says so, and with which data key, so that `reseal` beside it takes no key away that it needs.

use std::time::Duration;

use mukta_ftps::app::App;
use mukta_ftps::store::StoreError;
use mukta_ftps::store::programs::{BEAT_SECONDS, Program};

use super::CommandError;

/// The beat of this program.
pub(crate) struct Beating {
    app: App,
    program: Program,
}

impl Beating {
    /// Says for the first time that the program is at work.
    pub(crate) async fn begin(app: &App) -> Result<Self, CommandError> {
        let program = Program::starting().map_err(StoreError::from)?;
        let (begins, sealer) = (program.clone(), app.sealer.clone());
        app.store.write(move |db| begins.begin(db, &sealer)).await?;
        Ok(Self { app: app.clone(), program })
    }

    async fn beat(&self) -> Result<(), StoreError> {
        let (program, sealer) = (self.program.clone(), self.app.sealer.clone());
        self.app.store.write(move |db| program.beat(db, &sealer)).await
    }

    /// Goes on saying so; returns when the data key fits no more.
    pub(crate) async fn until_the_key_is_retired(&self) -> CommandError {
        loop {
            tokio::time::sleep(Duration::from_secs(BEAT_SECONDS)).await;
            match self.beat().await {
                Ok(()) => {}
                Err(retired @ StoreError::WrongDataKey) => return retired.into(),
                Err(fault) => log::warn!("it could not be noted that this program is at work: {fault}"),
            }
        }
    }

    /// Says that the program ends.
    pub(crate) async fn end(self) {
        let program = self.program;
        if let Err(fault) = self.app.store.write(move |db| program.end(db)).await {
            log::warn!("it could not be noted that this program ends: {fault}");
        }
    }
}
