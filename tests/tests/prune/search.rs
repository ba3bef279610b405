//! The search of widths on invented networks and surveys: it always fits, and never gives up what fits.

use proptest::collection::vec;
use proptest::prelude::*;
use secateur::data::Shape;
use secateur::failure::Failure;
use secateur::inform::{LayerRanking, Proof};
use secateur::network::{Arch, Item};
use secateur::prune::survey::{LayerSurvey, Survey};
use secateur::prune::{Budget, Ground, Plan, Work, allocate, budget};
use secateur::quantize::layout;
use secateur::report::bytes;
use secateur::rig::board_memory;
use secateur_boards::BoardSpec;
use secateur_shared::memory::{Footprint, MemoryPlan};

/// A network, what its layers tell, and a firmware.
#[derive(Clone, Debug)]
struct Case {
    arch: Arch,
    survey: Survey,
    input: Shape,
    classes: usize,
    footprint: Footprint,
}

/// More than any case needs.
const GENEROUS: u32 = 1 << 30;

fn cases() -> impl Strategy<Value = Case> {
    let convs = vec((1..24_usize, any::<bool>()), 0..4);
    let hidden = vec(1..48_usize, 0..3);
    let input = (8..33_usize, 8..33_usize, prop_oneof![Just(1), Just(3)]);
    let firmware = (4_000..60_000_u32, 0..512_u32);
    (convs, hidden, input, 2..12_usize, firmware, vec(0.0..1.0_f64, 24 * 3 + 48 * 2)).prop_filter_map(
        "at least one layer",
        |(convs, hidden, input, classes, firmware, gains)| {
            let arch = Arch::new(items(&convs, &hidden)).ok()?;
            let (height, width, channels) = input;
            let footprint = Footprint { code_bytes: firmware.0, static_ram_bytes: 16 * firmware.1 };
            Some(Case {
                survey: survey(&arch, &gains),
                arch,
                input: Shape { height, width, channels },
                classes,
                footprint,
            })
        },
    )
}

fn items(convs: &[(usize, bool)], hidden: &[usize]) -> Vec<Item> {
    let conv = |&(width, pool): &(usize, bool)| [Some(Item::Conv(width)), pool.then_some(Item::Pool)];
    convs.iter().flat_map(conv).flatten().chain(hidden.iter().map(|width| Item::Hidden(*width))).collect()
}

/// A ranking per prunable layer, whose curve rises by the gains; small ones make it flat.
fn survey(arch: &Arch, gains: &[f64]) -> Survey {
    let mut gains = gains.iter();
    let layers = full(arch).into_iter().map(|width| {
        let rise = |sum: &mut f64, gain: &f64| {
            *sum += if *gain < 0.3 { 0.0 } else { gain.powi(4) };
            Some(*sum)
        };
        let information: Vec<f64> = std::iter::once(0.0).chain(gains.by_ref().take(width).scan(0.0, rise)).collect();
        let joint_entropy = vec![0.0; width + 1];
        let order = (0..width).collect();
        let ranking = LayerRanking {
            sigma: 1.0,
            order,
            information,
            joint_entropy,
            saturated_after: None,
            proof: Proof::default(),
        };
        LayerSurvey { name: "layer".to_owned(), ranking }
    });
    Survey { layers: layers.collect() }
}

/// The widths of the unpruned network.
fn full(arch: &Arch) -> Vec<usize> {
    let width = |item: &Item| match item {
        Item::Conv(width) | Item::Hidden(width) => Some(*width),
        Item::Pool => None,
    };
    arch.items().iter().filter_map(width).collect()
}

impl Case {
    fn ground<'c>(&'c self, board: &'c BoardSpec) -> Ground<'c> {
        let (input, classes, footprint) = (self.input, self.classes, self.footprint);
        Ground { arch: &self.arch, input, classes, footprint, board: board_memory(board) }
    }

    fn search(&self, flash_bytes: u32, ram_bytes: u32) -> anyhow::Result<Plan> {
        budget::search(&self.survey.orders(), &self.ground(&board()), Budget { flash_bytes, ram_bytes, work: None })
    }

    /// The plan for a budget that is reachable; it fits.
    fn fitting(&self, flash_bytes: u32, ram_bytes: u32) -> Plan {
        let plan = self.search(flash_bytes, ram_bytes).expect("a plan");
        let used = plan.memory;
        assert!(used.flash_bytes <= flash_bytes && used.ram_bytes <= ram_bytes, "{used:?}, {flash_bytes}, {ram_bytes}");
        plan
    }

    /// The layer's first filter tells all that the layer tells.
    fn flatten(&mut self, layer: usize) {
        let information = &mut self.survey.layers[layer].ranking.information;
        information[1..].fill(1.0);
    }

    /// The bytes with one filter per layer, and with all.
    fn ends(&self) -> [MemoryPlan; 2] {
        let (board, full) = (board(), full(&self.arch));
        let ground = self.ground(&board);
        [vec![1; full.len()], full].map(|widths| ground.plan(&widths).expect("a plan").memory)
    }
}

fn board() -> BoardSpec {
    secateur_boards::find("netduinoplus2").expect("a board")
}

/// A part of the way from one number to another.
fn between(least: u32, most: u32, share: f64) -> u32 {
    least + (share * f64::from(most - least)) as u32
}

/// Both ends, and all between.
fn share() -> impl Strategy<Value = f64> {
    prop_oneof![1 => Just(0.0), 6 => 0.0..1.0, 1 => Just(1.0)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_reachable_budget_is_met_and_no_layer_is_empty(case in cases(), flash in share(), ram in share()) {
        let [least, most] = case.ends();
        let flash_bytes = between(least.flash_bytes, most.flash_bytes, flash);
        let ram_bytes = between(least.ram_bytes, most.ram_bytes, ram);
        let plan = case.fitting(flash_bytes, ram_bytes);
        prop_assert_eq!(plan.widths.len(), full(&case.arch).len());
        prop_assert!(plan.widths.iter().zip(full(&case.arch)).all(|(kept, of)| (1..=of).contains(kept)), "{:?}", plan.widths);
        prop_assert_eq!(full(&plan.arch), plan.widths);
    }

    #[test]
    fn what_fits_whole_stays_whole(case in cases()) {
        let [_, most] = case.ends();
        prop_assert_eq!(case.search(most.flash_bytes, most.ram_bytes).expect("a plan").widths, full(&case.arch));
        prop_assert_eq!(case.search(GENEROUS, GENEROUS).expect("a plan").widths, full(&case.arch));
    }

    #[test]
    fn widths_are_what_kernels_like_where_that_fits(case in cases(), flash in share(), ram in share()) {
        let (board, full) = (board(), full(&case.arch));
        let fours: Vec<usize> = full.iter().map(|width| 4.min(*width)).collect();
        let (least, [_, most]) = (case.ground(&board).plan(&fours).expect("a plan").memory, case.ends());
        let flash_bytes = between(least.flash_bytes, most.flash_bytes, flash);
        let plan = case.fitting(flash_bytes, between(least.ram_bytes, most.ram_bytes, ram));
        let liked = plan.widths.iter().zip(&full).all(|(kept, of)| kept.is_multiple_of(4) || kept == of);
        prop_assert!(liked, "{:?} of {:?}", plan.widths, full);
    }

    #[test]
    fn ram_alone_is_met(case in cases(), ram in share()) {
        let [least, most] = case.ends();
        let ram_bytes = between(least.ram_bytes, most.ram_bytes, ram);
        case.fitting(GENEROUS, ram_bytes);
    }

    #[test]
    fn no_layer_could_be_four_filters_wider(case in cases(), flash in share(), ram in share()) {
        let [least, most] = case.ends();
        let flash_bytes = between(least.flash_bytes, most.flash_bytes, flash);
        let ram_bytes = between(least.ram_bytes, most.ram_bytes, ram);
        let plan = case.fitting(flash_bytes, ram_bytes);
        let (board, full) = (board(), full(&case.arch));
        for (layer, of) in full.iter().enumerate().filter(|(layer, of)| plan.widths[*layer] + 4 <= **of) {
            let mut wider = plan.widths.clone();
            wider[layer] += 4;
            let memory = case.ground(&board).plan(&wider).expect("a plan").memory;
            let fits = memory.flash_bytes <= flash_bytes && memory.ram_bytes <= ram_bytes;
            prop_assert!(!fits, "layer {} of {:?} could keep {} of {}", layer, plan.widths, wider[layer], of);
        }
    }

    #[test]
    fn plans_to_try_fit_bytes_and_work_and_the_search_comes_first(case in cases(), flash in share(), work in 0.05..1.0_f64) {
        let [least, most] = case.ends();
        let (board, full) = (board(), full(&case.arch));
        let ground = case.ground(&board);
        let flash_bytes = between(least.flash_bytes, most.flash_bytes, flash);
        let table = |plan: &Plan| layout::table(&plan.arch, case.input, case.classes).expect("layers");
        let macs = |plan: &Plan| Work::macs(1).of(&table(plan)).expect("layers that fit") as usize;
        let [narrow, whole] = [vec![1; full.len()], full.clone()].map(|widths| macs(&ground.plan(&widths).expect("a plan")));
        let limit = narrow + (work * (whole - narrow) as f64) as usize;
        let budget = Budget { flash_bytes, ram_bytes: GENEROUS, work: Some(Work::macs(limit as u64)) };
        let searched = budget::search(&case.survey.orders(), &ground, budget).expect("a plan");
        let plans = allocate::candidates(searched.clone(), &full, &ground, budget).expect("plans");
        prop_assert_eq!(&plans[0].widths, &searched.widths);
        for plan in &plans {
            prop_assert!(plan.memory.flash_bytes <= flash_bytes && macs(plan) <= limit, "{:?}", plan.widths);
            prop_assert!(plan.widths.iter().zip(&full).all(|(kept, of)| (1..=*of).contains(kept)), "{:?}", plan.widths);
            prop_assert_eq!(plans.iter().filter(|other| other.widths == plan.widths).count(), 1);
        }
        let own = allocate::candidates(searched.clone(), &searched.widths, &ground, budget).expect("plans");
        prop_assert!(own.iter().all(|plan| plan.widths.iter().zip(&searched.widths).all(|(kept, widest)| kept <= widest)));
        let unbounded = Budget { work: None, ..budget };
        prop_assert_eq!(allocate::candidates(searched, &full, &ground, unbounded).expect("plans").len(), 1);
    }

    #[test]
    fn an_unreachable_budget_names_the_smallest_reachable_one(case in cases(), share in 0.0..1.0_f64) {
        let [least, _] = case.ends();
        let (flash, ram) = (between(1, least.flash_bytes, share), between(1, least.ram_bytes, share));
        for (asked, words) in [((flash, GENEROUS), "flash"), ((GENEROUS, ram), "RAM")] {
            let error = case.search(asked.0, asked.1).expect_err("too small");
            let failure = error.downcast_ref::<Failure>().expect("a budget failure");
            prop_assert_eq!(failure.exit_code(), 3);
            let figure = if words == "flash" { least.flash_bytes } else { least.ram_bytes };
            let message = failure.to_string();
            prop_assert!(message.contains(&format!("the smallest reachable {words} is {}", bytes(figure))), "{}", message);
        }
        case.fitting(least.flash_bytes, GENEROUS);
        case.fitting(GENEROUS, least.ram_bytes);
        case.fitting(least.flash_bytes, least.ram_bytes);
    }
}

/// Of four layers alike, one inside tells all by its first filter.
#[test]
fn filters_that_tell_nothing_go_first() {
    let arch: Arch = "16,16,16,16".parse().expect("an architecture");
    let (input, footprint) =
        (Shape { height: 8, width: 8, channels: 1 }, Footprint { code_bytes: 9_000, static_ram_bytes: 0 });
    for layer in [1, 2] {
        let survey = survey(&arch, &[0.9; 64]);
        let mut case = Case { arch: arch.clone(), survey, input, classes: 10, footprint };
        case.flatten(layer);
        let [least, most] = case.ends();
        let plan = case.fitting(between(least.flash_bytes, most.flash_bytes, 0.6), GENEROUS);
        let others = (0..4).filter(|other| *other != layer);
        let is_narrowest = others.map(|other| plan.widths[other]).all(|width| plan.widths[layer] < width);
        assert!(is_narrowest, "layer {layer} is flat, {:?} are kept", plan.widths);
    }
}
