//! Which part of burn runs float networks, and where.

use std::sync::OnceLock;

use anyhow::{Result, ensure};
use burn::tensor::Device;
use clap::ValueEnum;

use crate::failure::Failure;

/// A backend of burn; all but the first are features of the build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// This machine's cores.
    #[default]
    Flex,
    /// This machine's cores, by burn's older backend: to compare with.
    Ndarray,
    /// An NVIDIA graphics processor.
    Cuda,
    /// A graphics processor by Vulkan, Metal or DirectX.
    Wgpu,
}

static CHOSEN: OnceLock<(Backend, Device)> = OnceLock::new();

fn chosen() -> &'static (Backend, Device) {
    CHOSEN.get_or_init(|| (Backend::Flex, Device::flex()))
}

/// Where this process runs float networks: as chosen, or else [`Backend::Flex`].
///
/// A device is a property of the process, as its number of threads is: it is chosen once, by the command line, no verb
/// uses two, and it changes figures only by rounding. So it is no argument of everything that runs a network.
pub fn device() -> Device {
    chosen().1.clone()
}

/// The backend that [`device`] belongs to.
pub fn name() -> &'static str {
    chosen().0.name()
}

impl Backend {
    /// Makes this the backend of the process, and says on which graphics device it runs: it may be a processor.
    ///
    /// # Errors
    /// [`Failure::Usage`] where this build lacks it or this machine has no such device; another choice before this one.
    pub fn choose(self) -> Result<()> {
        if CHOSEN.get().is_none() {
            let device = self.open()?;
            #[cfg(any(feature = "cuda", feature = "wgpu"))]
            if let Some(identity) = device.identity() {
                eprintln!("{} runs on {}", self.name(), identity.name);
            }
            CHOSEN.get_or_init(|| (self, device));
        }
        ensure!(
            chosen().0 == self,
            "this process runs networks on another backend already: choose {} first",
            self.name()
        );
        Ok(())
    }

    /// Its first device, which the process need not choose. `wgpu` can be opened once.
    ///
    /// # Errors
    /// [`Failure::Usage`] where this build lacks it or this machine has no such device.
    pub(super) fn open(self) -> Result<Device> {
        match self {
            Backend::Flex => Ok(Device::flex()),
            #[cfg(feature = "ndarray")]
            #[allow(deprecated, reason = "it is there to compare with")]
            Backend::Ndarray => Ok(Device::ndarray()),
            // burn panics where the driver is missing, so it is asked first.
            #[cfg(feature = "cuda")]
            Backend::Cuda if Device::enumerate(burn::tensor::DeviceType::Cuda).is_empty() => {
                Err(self.not_found("there is no NVIDIA driver, or no device for it"))
            }
            #[cfg(feature = "cuda")]
            Backend::Cuda => Ok(Device::cuda(0)),
            #[cfg(feature = "wgpu")]
            Backend::Wgpu => Device::wgpu_options().init().map_err(|why| self.not_found(why)),
            #[allow(unreachable_patterns, reason = "where every feature is on")]
            _ => Err(self.not_built()),
        }
    }

    #[cfg(any(feature = "cuda", feature = "wgpu"))]
    fn not_found(self, why: impl std::fmt::Display) -> anyhow::Error {
        let name = self.name();
        Failure::Usage(format!(
            "--backend {name} opens no device on this machine ({why}): install its driver, or leave out --backend"
        ))
        .into()
    }

    fn not_built(self) -> anyhow::Error {
        let name = self.name();
        Failure::Usage(format!(
            "this build has no {name} backend: write `cargo run --release --package secateur --features {name} --bin xtask --` in place of `cargo xtask`"
        ))
        .into()
    }

    /// As in `--backend`, and as its feature is called.
    fn name(self) -> &'static str {
        match self {
            Backend::Flex => "flex",
            Backend::Ndarray => "ndarray",
            Backend::Cuda => "cuda",
            Backend::Wgpu => "wgpu",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_choice_networks_run_on_this_machines_cores() {
        assert_eq!(device(), Device::flex());
        Backend::default().choose().expect("the same choice again");
    }

    #[cfg(not(feature = "ndarray"))]
    #[test]
    fn a_backend_that_is_not_built_says_what_to_type() {
        let error = Backend::Ndarray.open().expect_err("not built");
        assert!(error.to_string().contains("--features ndarray"), "{error}");
        assert_eq!(error.downcast_ref::<Failure>().map(Failure::exit_code), Some(2));
    }
}
