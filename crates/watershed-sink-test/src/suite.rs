//! From cases to tests.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::Place;

/// Histories that a property is tried with.
const CASES: u32 = 64;

/// Plays a case on a new place.
///
/// # Panics
/// Where the sink breaks the rule.
pub fn play(make: impl FnOnce() -> Box<dyn Place>, case: impl AsyncFnOnce(&dyn Place)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let place = make();
    runtime.block_on(case(&*place));
}

/// Tries a property; a history at which it breaks is made shorter, and told.
pub(crate) fn held<S: Strategy>(
    strategy: &S,
    holds: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    if let Err(broken) = TestRunner::new(config).run(strategy, holds) {
        panic!("{broken}");
    }
}

/// Makes a test of each case, in a module for each group. The argument is the path of a
/// function that makes an empty place: `fn() -> Box<dyn Place>`.
#[macro_export]
macro_rules! suite {
    ($make:path) => {
        $crate::suite! { rows of $make:
            each_field_has_a_typed_column_and_the_record_stays_as_sent
            a_value_of_another_type_is_null_and_stays_in_the_record
            a_secret_field_has_no_column
            what_a_record_was_asked_for_stands_in_where_it_does_not_say_it
            an_older_version_overwrites_nothing
            an_unchanged_record_still_tells_who_saw_it_last
            of_several_rows_of_one_key_in_one_batch_the_last_stays
            what_is_deleted_comes_back_only_by_a_later_fetch
            what_is_proved_to_be_gone_is_marked_unless_it_was_read_later
            a_row_is_missing_in_a_run_that_neither_brought_it_nor_began_before_it
            two_connections_keep_the_same_key_apart
            names_that_look_like_sql_are_but_values
            a_write_that_fails_at_its_end_leaves_nothing
            a_row_of_a_dataset_that_is_not_there_takes_its_whole_batch_with_it
            the_same_batch_again_changes_nothing
            any_order_of_batches_leaves_the_newest_version_of_each_key
        }
        $crate::suite! { state of $make:
            a_whole_batch_is_asked_at_once_and_answered_in_its_order
            what_a_listing_came_to_in_a_run_stands_above_a_page_of_it_whatever_the_clock_says
            coverage_has_one_row_a_subject_and_window_and_an_older_one_changes_nothing
            that_a_question_is_not_asked_takes_nothing_away_from_what_is_known
            coverage_that_waits_for_ever_is_refused
            coverage_is_visited_in_pages_and_each_row_once
            coverage_is_filtered_by_each_member
            coverage_is_counted_by_state_and_reason
            who_is_left_out_is_known_by_the_last_run_that_saw_it
            coverage_is_counted_by_the_run_that_was_the_last_to_ask
            the_latest_count_of_each_day_stays
            a_connection_keeps_its_account
            a_run_is_written_over_by_its_id
            runs_come_newest_first
            a_list_has_what_the_evidence_of_a_run_sums_up_to
            the_unfinished_run_is_the_newest_of_its_plan_connection_and_inputs
            a_letter_of_what_went_well_after_all_goes_with_the_rows_that_it_brought
            a_dead_letter_comes_back_whole_by_each_filter_until_it_is_removed
            a_letter_that_fails_again_is_one_letter_of_the_later_time
        }
        $crate::suite! { ticks of $make:
            a_schedule_is_due_from_when_it_was_first_seen_and_on_from_what_is_decided
            of_several_who_decide_a_tick_the_first_one_does
            a_run_that_is_there_stays_as_it_is
            what_is_queued_is_freed_once
            ticks_are_open_while_they_wait_or_their_runs_have_not_ended
            a_decision_that_fails_leaves_neither_tick_nor_run
        }
        $crate::suite! { members of $make:
            a_listing_gives_back_its_rows_in_pages_by_key
            a_row_that_another_listing_takes_over_stays_a_member_with_what_was_said_of_it
            a_listing_whose_row_was_newer_already_has_what_it_said_itself
            a_series_counts_once_and_as_it_was_listed_first
            a_listing_that_shrank_has_the_members_of_its_last_reading
            what_a_listing_brought_is_unknown_without_its_first_page
            readings_that_came_mixed_are_unknown_until_the_next_one
            a_member_whose_row_is_gone_makes_the_listing_unknown
            connections_and_datasets_have_listings_of_their_own
            two_who_list_the_same_rows_at_once_each_have_what_they_said
            whatever_else_is_read_each_listing_has_what_it_said_last
        }
        $crate::suite! { life of $make:
            what_was_acknowledged_is_there_after_it_is_opened_again
            an_acknowledged_write_survives_a_power_loss_and_the_check_says_so
            the_version_can_be_asked_of_a_table
            what_a_newer_program_wrote_is_refused_by_name
            what_is_only_read_is_never_written
            a_column_of_a_newer_catalogue_is_added_and_filled_from_the_records
            two_programs_may_make_and_write_the_same_place
            two_who_write_the_same_keys_in_opposite_order_both_go_through
            text_with_nul_and_its_like_comes_back_as_it_was
        }
        $crate::suite! { inbox of $make:
            an_event_comes_back_as_it_was_kept
            an_event_that_comes_again_changes_nothing
            what_is_done_waits_no_longer_and_is_known_when_it_comes_again
            events_wait_in_the_order_in_which_they_came_page_by_page
            connections_have_events_of_their_own_and_a_backlog_each
            only_what_was_done_long_ago_is_forgotten_some_at_a_time
            two_who_keep_the_same_events_keep_each_once
        }
        $crate::suite! { map of $make:
            coverage_is_counted_by_operation_month_and_state
            bands_have_equally_many_subjects_and_can_be_looked_into
            nothing_is_counted_of_another_connection_or_operation
        }
        $crate::suite! { erasure of $make:
            who_knows_of_fewer_erased_people_writes_nothing
            an_event_of_who_knows_of_fewer_erased_people_is_not_kept
            what_is_erased_goes_and_others_rows_are_as_they_are_told
            a_row_that_was_written_anew_since_it_was_read_stays
            what_is_known_what_failed_and_what_waits_of_him_goes_with_him
            all_is_there_after_the_room_of_what_was_deleted_is_given_back
        }
        $crate::suite! { audit of $make:
            each_entry_follows_on_the_one_before
            of_several_who_add_at_once_each_follows_on_another
            a_copy_goes_on_from_the_log_that_it_has_the_beginning_of
        }
        $crate::suite! { copies of $make:
            a_copy_holds_all_that_the_other_one_held
            a_copy_that_is_broken_off_claims_nothing_and_goes_on
            what_is_newer_where_it_is_copied_to_stays
            the_data_of_another_account_is_not_copied
            what_is_held_is_read_in_pages
        }
    };
    ($group:ident of $make:path: $($case:ident)*) => {
        mod $group {$(
            #[test]
            fn $case() {
                $crate::play($make, async |place| $crate::$group::$case(place).await);
            }
        )*}
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_case_is_in_the_suite() {
        let suite = include_str!("suite.rs");
        let groups = [
            include_str!("rows.rs"),
            include_str!("state.rs"),
            include_str!("ticks.rs"),
            include_str!("members.rs"),
            include_str!("life.rs"),
            include_str!("copies.rs"),
            include_str!("inbox.rs"),
            include_str!("map.rs"),
        ];
        for line in groups.into_iter().flat_map(str::lines) {
            let Some(rest) = line.strip_prefix("pub async fn ") else { continue };
            let (case, of) = rest.split_once('(').unwrap_or((rest, ""));
            // What a case is made with is none.
            if of.contains("-> Arc") || of.contains("sink:") || of.contains("from:") {
                continue;
            }
            let listed = suite.lines().any(|line| line.trim() == case);
            assert!(listed, "{case} is in no suite");
        }
    }
}
