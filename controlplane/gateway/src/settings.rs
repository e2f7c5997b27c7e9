//! From the configuration to the pipeline's settings.

use std::hash::{BuildHasher, RandomState};

use pipeline::{LaneFull, Settings};

use crate::config::{Config, Idle};

/// Settings of live workers: what does not fit a ring is dropped, and hashes cannot be foreseen.
pub(crate) fn live(config: &Config) -> Settings {
    let workers = &config.workers;
    let idle = match workers.idle {
        Idle::BusyPoll => pipeline::Idle::BusyPoll,
        Idle::Adaptive => {
            pipeline::Idle::Adaptive { spins: workers.idle_spins, sleep_us: workers.idle_sleep_us }
        }
        Idle::Yield => pipeline::Idle::Yield,
    };
    Settings {
        workers: workers.count,
        idle,
        lane_full: LaneFull::Drop,
        hash_key: random_key(),
        ..common(config)
    }
}

/// Settings of a replay: one worker that waits where a live one would drop, and the same outcome each
/// time.
pub(crate) fn replay(config: &Config) -> Settings {
    Settings {
        workers: 1,
        idle: pipeline::Idle::Yield,
        lane_full: LaneFull::Wait,
        hash_key: [0; 16],
        ..common(config)
    }
}

fn common(config: &Config) -> Settings {
    let (workers, detect) = (&config.workers, &config.detect);
    Settings {
        burst_max: workers.burst_max,
        flows_max: config.flow.flows_max,
        timeouts: config.flow.timeouts(),
        emergency: config.flow.emergency(),
        vlan_tracking: config.vlan.use_for_tracking,
        defrag: config.fragments.limits(),
        defrag_policy: config.fragments.policy(),
        stream: config.streams.settings(),
        stream_bytes_max: config.streams.bytes_max,
        session: config.streams.session(),
        lane_slots: [workers.alert_slots, workers.log_slots, workers.bulk_slots],
        shed_from_percent: workers.shed_from_percent,
        stage_sample: workers.stage_sample,
        handover_frames: workers.handover_frames,
        digests_max: detect.digests_max,
        payload_bytes_max: detect.payload_bytes_max,
        ..Settings::default()
    }
}

/// A key that nobody can foresee, from the randomness that the standard library gets for its hash maps.
fn random_key() -> [u8; 16] {
    let half = || RandomState::new().hash_one(0_u64).to_le_bytes();
    let mut key = [0; 16];
    let (low, high) = key.split_at_mut(8);
    low.copy_from_slice(&half());
    high.copy_from_slice(&half());
    key
}

#[cfg(test)]
mod tests {
    use super::{live, replay};
    use crate::config::Config;

    #[test]
    fn the_default_configuration_is_the_pipelines_own() {
        let expected = pipeline::Settings::default();
        let ours = live(&Config::default());
        let comparable = |settings: pipeline::Settings| {
            format!("{:?}", pipeline::Settings { hash_key: [0; 16], ..settings })
        };
        assert_ne!(ours.hash_key, live(&Config::default()).hash_key);
        assert_eq!(comparable(ours), comparable(expected));
    }

    #[test]
    fn a_replay_is_repeatable_and_drops_nothing() {
        let settings = replay(&Config::default());
        assert_eq!((settings.workers, settings.hash_key), (1, [0; 16]));
        assert_eq!(settings.lane_full, pipeline::LaneFull::Wait);
    }
}
