use super::*;
use crate::store::{DatabaseUrl, Store};

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

fn plan_of(sql: &str, tenant: &str) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("desk.db").to_string_lossy().into_owned();
    let store = Store::open(&DatabaseUrl::Sqlite(file)).unwrap();
    let plan = format!("EXPLAIN QUERY PLAN {sql}");
    let steps: Vec<Step> = store
        .read_blocking(|db| Ok::<_, StoreError>(diesel::sql_query(&plan).bind::<Text, _>(tenant).load(db)?))
        .unwrap();
    steps.into_iter().map(|step| step.detail).collect()
}

const LATE: NaiveDateTime = NaiveDateTime::MIN;

/// The work of a page does not grow with the outbox: its order is read from an index, and nothing is sorted but
/// what two indexes gave.
#[test]
fn a_page_is_read_from_an_index_in_the_order_of_the_list() {
    let standings = [
        Standing::Any,
        Standing::State(MessageState::Failed),
        Standing::State(MessageState::Waiting),
        Standing::State(MessageState::Sent),
        Standing::Reason(MessageReason::NoNumber),
        Standing::Late(LATE),
    ];
    for tenant in ["od", "od.jatni"] {
        for standing in standings {
            for before in [None, Some(7)] {
                let plan = plan_of(&newest_sql(&Scope::of(tenant), standing, before, 51), tenant);
                let of_messages = plan.iter().filter(|step| step.contains(" p "));
                let by_index = of_messages.clone().all(|step| step.starts_with("SEARCH p USING"));
                let sorts = plan.iter().filter(|step| step.contains("TEMP B-TREE")).count();
                // What waits and what is being sent: a page of each, laid together.
                let of_two = 2 * usize::from(standing == Standing::State(MessageState::Waiting));
                assert!(
                    by_index && of_messages.count() > 0 && sorts <= of_two,
                    "{tenant} {standing:?}: {plan:#?}"
                );
            }
        }
    }
}

#[test]
fn counts_are_read_from_indexes_and_end_at_a_thousand() {
    for tenant in ["od", "od.jatni"] {
        let sql = counted_sql(&Scope::of(tenant), LATE);
        assert_eq!(sql.matches("LIMIT 1001").count(), MessageReason::ALL.len() + 3);
        let plan = plan_of(&sql, tenant);
        let of_messages: Vec<&String> = plan.iter().filter(|step| step.contains(" p ")).collect();
        assert!(of_messages.iter().all(|step| step.starts_with("SEARCH p USING")), "{of_messages:#?}");
        assert_eq!(of_messages.len(), MessageReason::ALL.len() + 3);
    }
}

#[test]
fn counts_add_up_and_say_when_there_are_more() {
    let count = |number| Count { number, and_more: false };
    assert_eq!(count(3).and(count(4)), count(7));
    assert_eq!(count(600).and(count(500)), Count { number: COUNTED, and_more: true });
    assert!(Count { number: COUNTED, and_more: true }.and(count(0)).and_more);
}
