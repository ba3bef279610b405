//! Which way to a compiler for the chip: from facts to the route worth taking. Asks nothing of the machine.

use anyhow::Result;

use super::FORCED_BY;
use crate::failure::Failure;

/// The one compiler that the user wants firmware built with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forced {
    Rustup,
    Debian,
}

impl Forced {
    /// Unset and empty leave the choice to `route`.
    pub(super) fn from_word(word: Option<&str>) -> Result<Option<Forced>> {
        match word {
            None | Some("") => Ok(None),
            Some("rustup") => Ok(Some(Forced::Rustup)),
            Some("debian") => Ok(Some(Forced::Debian)),
            Some(other) => {
                Err(Failure::Usage(format!("{FORCED_BY} is `{other}`: set it to `rustup` or `debian`, or unset it"))
                    .into())
            }
        }
    }
}

/// What the machine has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) rustup: bool,
    /// The default toolchain, rustup's or not, has every target.
    pub(super) default_ready: bool,
    /// The toolchain made from Debian's compiler has every target.
    pub(super) thumb_ready: bool,
}

/// A way to a toolchain with every target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    UseDefault,
    UseThumb,
    /// `rustup target add`: seconds, where downloads work.
    AddTarget,
    /// Debian's compiler and sources: under a minute a target.
    BuildThumb,
}

/// The route to take, and what to try if it fails: what is there, then what can be fetched, then what can be built.
pub(super) fn route(forced: Option<Forced>, facts: Facts) -> (Route, Option<Route>) {
    match forced {
        Some(Forced::Rustup) if facts.default_ready => (Route::UseDefault, None),
        Some(Forced::Rustup) => (Route::AddTarget, None),
        Some(Forced::Debian) if facts.thumb_ready => (Route::UseThumb, None),
        Some(Forced::Debian) => (Route::BuildThumb, None),
        None if facts.default_ready => (Route::UseDefault, None),
        None if facts.thumb_ready => (Route::UseThumb, None),
        None if facts.rustup => (Route::AddTarget, Some(Route::BuildThumb)),
        None => (Route::BuildThumb, None),
    }
}

#[cfg(test)]
mod tests {
    use super::Route::{AddTarget, BuildThumb, UseDefault, UseThumb};
    use super::*;

    const NOTHING: Facts = Facts { rustup: false, default_ready: false, thumb_ready: false };
    const EVERYTHING: Facts = Facts { rustup: true, default_ready: true, thumb_ready: true };
    const ONLY_RUSTUP: Facts = Facts { rustup: true, ..NOTHING };
    const ONLY_DEFAULT: Facts = Facts { default_ready: true, ..NOTHING };
    const NO_DEFAULT: Facts = Facts { default_ready: false, ..EVERYTHING };
    const NO_THUMB: Facts = Facts { thumb_ready: false, ..EVERYTHING };

    #[test]
    fn what_is_there_is_used() {
        assert_eq!(route(None, EVERYTHING), (UseDefault, None));
        assert_eq!(route(None, ONLY_DEFAULT), (UseDefault, None));
        assert_eq!(route(None, NO_DEFAULT), (UseThumb, None));
    }

    #[test]
    fn a_missing_target_is_fetched_and_else_built() {
        assert_eq!(route(None, ONLY_RUSTUP), (AddTarget, Some(BuildThumb)));
        assert_eq!(route(None, NOTHING), (BuildThumb, None));
    }

    #[test]
    fn a_forced_compiler_has_no_substitute() {
        assert_eq!(route(Some(Forced::Debian), EVERYTHING), (UseThumb, None));
        assert_eq!(route(Some(Forced::Debian), NO_THUMB), (BuildThumb, None));
        assert_eq!(route(Some(Forced::Rustup), EVERYTHING), (UseDefault, None));
        assert_eq!(route(Some(Forced::Rustup), NO_DEFAULT), (AddTarget, None));
    }

    #[test]
    fn only_two_words_force() {
        assert_eq!(Forced::from_word(None).expect("unset"), None);
        assert_eq!(Forced::from_word(Some("")).expect("empty"), None);
        assert_eq!(Forced::from_word(Some("debian")).expect("debian"), Some(Forced::Debian));
        let error = Forced::from_word(Some("Debian")).expect_err("case counts");
        assert_eq!(error.downcast_ref::<Failure>().map(Failure::exit_code), Some(2));
    }
}
