// Loaded in the head: the theme is there before anything is drawn.
(function () {
    "use strict";
    var root = document.documentElement;
    var prefersDark = window.matchMedia("(prefers-color-scheme: dark)");

    function kept() {
        try { return window.localStorage.getItem("ecom-theme"); } catch (error) { return null; }
    }
    function dark() { return kept() ? kept() === "dark" : prefersDark.matches; }
    function apply() {
        root.dataset.theme = dark() ? "dark" : "light";
        var button = document.getElementById("theme");
        if (button) { button.setAttribute("aria-pressed", String(dark())); }
    }
    apply();
    prefersDark.addEventListener("change", apply);
    document.addEventListener("DOMContentLoaded", function () {
        apply();
        document.getElementById("theme").addEventListener("click", function () {
            try { window.localStorage.setItem("ecom-theme", dark() ? "light" : "dark"); } catch (error) { /* not kept */ }
            apply();
        });
    });

    // A page whose server is gone would look alive: Dash says nothing about a request that fails.
    var ask = window.fetch;
    var asked = new Set();  // the charts whose last question is still open
    window.fetch = function (url, options) {
        var chart = /"output":"\.\.(\w+)-drawing\./.exec(options && options.body);
        if (chart) { asked.add(chart[1]); }
        function done(text) {
            if (chart) { asked.delete(chart[1]); }
            tell(text);
        }
        return ask.apply(window, arguments).then(
            function (answer) {
                done(answer.status < 500 ? "" : "The page's server failed, so these figures may be old. See its log.");
                return answer;
            },
            function (error) {
                done("The page's server does not answer, so these figures may be old. Start it with: ecom up");
                throw error;
            }
        );
    };
    function tell(text) {
        var banner = document.getElementById("offline");
        if (banner && banner.textContent !== text) { banner.textContent = text; banner.hidden = !text; }
    }

    // Called by Dash, see app.py.
    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        page: {
            pause: function (clicks, ids) {
                var paused = Boolean(clicks % 2);
                return [
                    ids.map(function () { return paused; }),
                    paused ? "Resume updates" : "Pause updates",
                    paused ? "Paused: figures stay as they are." : "Live: charts update by themselves."
                ];
            },
            banner: function (problems, seconds) {
                var found = problems.filter(Boolean)[0] || "";
                return [found, !found, seconds.map(function (s) { return 1000 * (found ? Math.min(s, 3) : s); })];
            },
            choose: function (clicks, ids) {
                var chosen = window.dash_clientside.callback_context.triggered_id.days;
                var pressed = ids.map(function (id) { return String(id.days === chosen); });
                return [chosen, pressed, chosen !== "custom"];
            },
            due: function (ticks, id) {
                return asked.has(id.chart) ? window.dash_clientside.no_update : ticks;
            }
        }
    });
}());
