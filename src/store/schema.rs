//! The tables, as both databases have them (migrations/sqlite and migrations/postgres).
#![allow(missing_docs)] // `table!` makes public items that cannot carry docs of their own

diesel::table! {
    tenants (id) {
        id -> Text,
        state -> Text,
    }
}

diesel::table! {
    data_keys (key_id) {
        key_id -> Text,
        sealed_check -> Binary,
        first_used_at -> Timestamp,
    }
}

diesel::table! {
    payment_instructions (id) {
        id -> BigInt,
        number -> Text,
        tenant_id -> Text,
        external_id -> Nullable<Text>,
        parent_number -> Nullable<Text>,
        mukta_reference_id -> Nullable<Text>,
        status -> Text,
        is_active -> Bool,
        gross_paise -> Nullable<BigInt>,
        net_paise -> BigInt,
        bill_numbers -> Text,
        head_of_account -> Nullable<Text>,
        master_allotment_id -> Nullable<Text>,
        created_at -> Timestamp,
        in_process_since -> Nullable<Timestamp>,
        completed_at -> Nullable<Timestamp>,
        completed_by -> Nullable<Text>,
        changed_at -> Timestamp,
        ftps_outcome -> Text,
        ftps_message -> Nullable<Text>,
        ftps_called_at -> Nullable<Timestamp>,
        ftps_voucher_number -> Nullable<Text>,
        ftps_voucher_date -> Nullable<Text>,
        ftps_bill_reference -> Nullable<Text>,
        ftps_token_number -> Nullable<Text>,
        ftps_token_date -> Nullable<Text>,
        ftps_payment_status -> Nullable<Text>,
        lease_token -> Nullable<Text>,
        lease_until -> Nullable<Timestamp>,
        next_attempt_at -> Nullable<Timestamp>,
        unanswered_attempts -> Integer,
        lease_started_at -> Nullable<Timestamp>,
        lease_trigger -> Nullable<Text>,
        lease_by -> Nullable<Text>,
        lease_run_id -> Nullable<BigInt>,
        cannot_ask -> Bool,
        action_rank -> Nullable<Integer>,
        modified_at -> Nullable<Timestamp>,
        told_status -> Nullable<Text>,
        error_response -> Nullable<Text>,
        change_number -> BigInt,
        unsettled_payments -> Integer,
        correction_due_from -> Nullable<Timestamp>,
        payments -> Integer,
        failed_payments -> Integer,
        paid_payments -> Integer,
        flags -> Integer,
        wanted_at -> Nullable<Timestamp>,
        wanted_by -> Nullable<Text>,
    }
}

diesel::table! {
    notes (id) {
        id -> BigInt,
        instruction_id -> BigInt,
        written_at -> Timestamp,
        person -> Text,
        text -> Text,
    }
}

diesel::table! {
    payment_advices (id) {
        id -> BigInt,
        instruction_id -> BigInt,
        position -> Integer,
        bill_reference -> Nullable<Text>,
        financial_year -> Nullable<Text>,
        advice_id -> Nullable<Text>,
        advice_date -> Nullable<Text>,
        token_number -> Nullable<Text>,
        token_date -> Nullable<Text>,
    }
}

diesel::table! {
    beneficiaries (id) {
        id -> BigInt,
        instruction_id -> BigInt,
        position -> Integer,
        payment_id -> Text,
        payment_key -> Text,
        beneficiary_id -> Nullable<Text>,
        beneficiary_type -> Nullable<Text>,
        name -> Nullable<Text>,
        account_sealed -> Nullable<Binary>,
        account_last4 -> Nullable<Text>,
        account_hash -> Nullable<Text>,
        ifsc -> Nullable<Text>,
        mobile_sealed -> Nullable<Binary>,
        mobile_last4 -> Nullable<Text>,
        mobile_hash -> Nullable<Text>,
        amount_paise -> BigInt,
        payment_status -> Text,
        failure_reason -> Nullable<Text>,
        utr -> Nullable<Text>,
        utr_date -> Nullable<Text>,
        end_to_end_id -> Nullable<Text>,
        voucher_number -> Nullable<Text>,
        voucher_date -> Nullable<Text>,
        other_account_sealed -> Nullable<Binary>,
        other_account_last4 -> Nullable<Text>,
        other_ifsc -> Nullable<Text>,
        disputed -> Bool,
        returned_at -> Nullable<Timestamp>,
        told_amount_paise -> Nullable<BigInt>,
        paid_beneficiary_id -> Nullable<Text>,
    }
}

diesel::table! {
    ftps_calls (id) {
        id -> BigInt,
        instruction_id -> BigInt,
        call_ref -> Text,
        trigger_word -> Text,
        triggered_by -> Nullable<Text>,
        started_at -> Timestamp,
        duration_ms -> BigInt,
        outcome -> Text,
        message -> Text,
        cause -> Nullable<Text>,
        http_status -> Nullable<Integer>,
        request_sealed -> Nullable<Binary>,
        response_sealed -> Nullable<Binary>,
        applied -> Bool,
        run_id -> Nullable<BigInt>,
        link -> Nullable<Binary>,
        payload_digest -> Nullable<Binary>,
        pruned_by -> Nullable<BigInt>,
        request_id -> Nullable<Text>,
    }
}

diesel::table! {
    sync_runs (id) {
        id -> BigInt,
        scheduled_for -> Nullable<Timestamp>,
        trigger_word -> Text,
        started_by -> Nullable<Text>,
        state -> Text,
        started_at -> Timestamp,
        worked_at -> Timestamp,
        finished_at -> Nullable<Timestamp>,
        waiting_since -> Nullable<Timestamp>,
    }
}

diesel::table! {
    sync_run_items (run_id, instruction_id) {
        run_id -> BigInt,
        instruction_id -> BigInt,
        tenant_id -> Text,
        outcome -> Nullable<Text>,
    }
}

diesel::table! {
    sync_run_counts (run_id, tenant_id) {
        run_id -> BigInt,
        tenant_id -> Text,
        expected -> BigInt,
        successful -> BigInt,
        errors -> BigInt,
        glitches -> BigInt,
        no_response -> BigInt,
        skipped -> BigInt,
        paid_paise -> BigInt,
    }
}

diesel::table! {
    change_counter (one) {
        one -> Integer,
        latest -> BigInt,
    }
}

diesel::table! {
    status_push (one) {
        one -> Integer,
        change_number -> BigInt,
        instruction_id -> BigInt,
        told_at -> Nullable<Timestamp>,
        waiting_since -> Nullable<Timestamp>,
        attempts -> Integer,
        http_status -> Nullable<Integer>,
        cause -> Nullable<Text>,
        next_attempt_at -> Nullable<Timestamp>,
        lease_token -> Nullable<Text>,
        lease_until -> Nullable<Timestamp>,
    }
}

diesel::table! {
    pull_lease (one) {
        one -> Integer,
        token -> Text,
        until -> Timestamp,
    }
}

diesel::table! {
    status_refusals (id) {
        id -> BigInt,
        instruction_id -> BigInt,
        change_number -> BigInt,
        refused_at -> Timestamp,
        http_status -> Integer,
        answer -> Nullable<Text>,
    }
}

diesel::table! {
    pulls (id) {
        id -> BigInt,
        trigger_word -> Text,
        began_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
        failure -> Nullable<Text>,
        failure_detail -> Nullable<Text>,
    }
}

diesel::table! {
    pull_counts (pull_id, tenant_id) {
        pull_id -> BigInt,
        tenant_id -> Text,
        created -> BigInt,
        updated -> BigInt,
        unchanged -> BigInt,
        left_out -> BigInt,
        failed -> Bool,
    }
}

diesel::table! {
    pull_notes (id) {
        id -> BigInt,
        pull_id -> BigInt,
        tenant_id -> Nullable<Text>,
        kind -> Text,
        subject -> Nullable<Text>,
        detail -> Nullable<Text>,
    }
}

diesel::table! {
    pull_faults (id) {
        id -> BigInt,
        tenant_id -> Text,
        number -> Nullable<Text>,
        path -> Text,
        problem -> Text,
        since -> Timestamp,
        seen_at -> Timestamp,
    }
}

diesel::table! {
    people_owed (number) {
        number -> Text,
    }
}

diesel::table! {
    program_state (name) {
        name -> Text,
        noted_at -> Timestamp,
    }
}

diesel::table! {
    employees (id) {
        id -> BigInt,
        name -> Text,
        role -> Text,
        tenant_id -> Text,
        password_hash -> Text,
        is_disabled -> Bool,
        created_at -> Timestamp,
        password_changed_at -> Timestamp,
        language -> Nullable<Text>,
        must_change_password -> Bool,
        last_sign_in_at -> Nullable<Timestamp>,
        sign_in_before_at -> Nullable<Timestamp>,
        failures_since -> BigInt,
        failures_before -> BigInt,
        second_factor_sealed -> Nullable<Binary>,
        second_factor_at -> Nullable<Timestamp>,
        second_factor_step -> Nullable<BigInt>,
        enabled_at -> Nullable<Timestamp>,
        is_dormant -> Bool,
    }
}
diesel::table! {
    recovery_codes (employee_id, code_hash) {
        employee_id -> BigInt,
        code_hash -> Text,
        used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    sessions (key_hash) {
        key_hash -> Text,
        employee_id -> Nullable<BigInt>,
        state -> Text,
        created_at -> Timestamp,
        last_seen_at -> Timestamp,
    }
}

diesel::table! {
    sign_in_failures (id) {
        id -> BigInt,
        name_hash -> Text,
        address -> Text,
        failed_at -> Timestamp,
        browser -> Nullable<Text>,
    }
}

diesel::table! {
    sign_in_tallies (actor, address, action) {
        actor -> Text,
        address -> Text,
        action -> Text,
        tenant_id -> Nullable<Text>,
        began_at -> Timestamp,
        times -> BigInt,
    }
}

diesel::table! {
    audit_events (id) {
        id -> BigInt,
        at -> Timestamp,
        actor -> Text,
        tenant_id -> Nullable<Text>,
        address -> Nullable<Text>,
        action -> Text,
        subject -> Nullable<Text>,
        position -> Nullable<BigInt>,
        link -> Nullable<Binary>,
    }
}

diesel::table! {
    trail_key (one) {
        one -> Integer,
        key_sealed -> Binary,
    }
}

diesel::table! {
    trail_head (one) {
        one -> Integer,
        position -> BigInt,
        link -> Binary,
        events_before -> BigInt,
        calls_before -> BigInt,
    }
}

diesel::table! {
    call_heads (instruction_id) {
        instruction_id -> BigInt,
        calls -> BigInt,
        link -> Binary,
    }
}

diesel::table! {
    prunes (id) {
        id -> BigInt,
        at -> Timestamp,
        payloads_before -> Nullable<Timestamp>,
        events_to -> Nullable<BigInt>,
        link -> Nullable<Binary>,
        last_event_id -> Nullable<BigInt>,
        calls -> BigInt,
        messages -> BigInt,
        events -> BigInt,
        is_open -> Bool,
        signature -> Nullable<Binary>,
    }
}

diesel::table! {
    outbox_messages (id) {
        id -> BigInt,
        instruction_id -> BigInt,
        beneficiary_id -> BigInt,
        tenant_id -> Text,
        person_id -> Nullable<Text>,
        event -> Text,
        amount_paise -> BigInt,
        utr -> Text,
        state -> Text,
        attempts -> Integer,
        next_attempt_at -> Nullable<Timestamp>,
        last_error -> Nullable<Text>,
        gateway_answer -> Nullable<Text>,
        created_at -> Timestamp,
        sent_at -> Nullable<Timestamp>,
        changed_at -> Timestamp,
        lease_token -> Nullable<Text>,
        lease_until -> Nullable<Timestamp>,
        reason -> Nullable<Text>,
        waiting_since -> Nullable<Timestamp>,
    }
}

diesel::table! {
    outbox_events (id) {
        id -> BigInt,
        message_id -> BigInt,
        happened_at -> Timestamp,
        what -> Text,
        attempt -> Integer,
        cause -> Nullable<Text>,
        gateway_answer -> Nullable<Text>,
        person -> Nullable<Text>,
        note -> Nullable<Text>,
        applied -> Bool,
        pruned_by -> Nullable<BigInt>,
    }
}

diesel::table! {
    restorations (id) {
        id -> BigInt,
        backed_up_at -> Timestamp,
        opened_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    restored_instructions (instruction_id) {
        instruction_id -> BigInt,
    }
}

diesel::table! {
    search_texts (instruction_id) {
        instruction_id -> BigInt,
        text -> Text,
    }
}

diesel::table! {
    search_folding (id) {
        id -> Integer,
        version -> Integer,
        folded_to -> Nullable<BigInt>,
    }
}

diesel::table! {
    alert_episodes (id) {
        id -> BigInt,
        kind -> Text,
        since -> Timestamp,
        over_at -> Nullable<Timestamp>,
        told_at -> Nullable<Timestamp>,
        told_over_at -> Nullable<Timestamp>,
        attempts -> Integer,
        next_attempt_at -> Nullable<Timestamp>,
        lease_token -> Nullable<Text>,
        lease_until -> Nullable<Timestamp>,
    }
}

diesel::table! {
    alert_reports (program, kind) {
        program -> Text,
        kind -> Text,
        since -> Timestamp,
        said_at -> Timestamp,
    }
}

diesel::joinable!(beneficiaries -> payment_instructions (instruction_id));
diesel::joinable!(call_heads -> payment_instructions (instruction_id));
diesel::joinable!(ftps_calls -> payment_instructions (instruction_id));
diesel::joinable!(outbox_messages -> beneficiaries (beneficiary_id));
diesel::joinable!(outbox_messages -> payment_instructions (instruction_id));
diesel::joinable!(restored_instructions -> payment_instructions (instruction_id));
diesel::joinable!(sync_run_items -> payment_instructions (instruction_id));
diesel::allow_tables_to_appear_in_same_query!(outbox_events, prunes);
diesel::allow_tables_to_appear_in_same_query!(
    beneficiaries,
    call_heads,
    employees,
    ftps_calls,
    outbox_messages,
    payment_advices,
    payment_instructions,
    pull_counts,
    pull_faults,
    pull_notes,
    pulls,
    restored_instructions,
    sync_run_items,
    sync_runs,
    tenants
);
